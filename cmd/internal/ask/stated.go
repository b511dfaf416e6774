package ask

import (
	"context"

	"ssmguard/guard"
)

// StatedFacts is an Inventory of facts that the user states.
type StatedFacts guard.Facts

// Facts implements guard.Inventory.
func (f StatedFacts) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return guard.Facts(f), nil
}
