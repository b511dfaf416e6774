package guard

import (
	"context"
	"log/slog"
	"time"

	"ssmguard/guard/policy"
)

// PolicySource reads every policy that bears on a caller. It may return a
// usable Set together with a (joined) NotVisible: what is missing is then named
// in Set.Partial.
type PolicySource interface {
	Policies(ctx context.Context, c Caller) (policy.Set, error)
}

// Simulator is a judge: it rules on each grant, in the order given. A grant it
// cannot express gets an Unknown ruling. Its error may be a NotVisible.
type Simulator interface {
	Name() string
	Simulate(ctx context.Context, c Caller, gs []Grant) ([]Ruling, error)
}

// Inventory reads what the grants depend on: tags, the document, the key, the
// target's health. It may return usable Facts together with a NotVisible.
type Inventory interface {
	Facts(ctx context.Context, r Request) (Facts, error)
}

// Guard checks requests. The zero Guard asks nobody and answers Unknown.
type Guard struct {
	Inventory  Inventory
	Simulators []Simulator
	Patience   time.Duration // how long the inventory and each judge may take; 0 means DefaultPatience
	Log        *slog.Logger  // nil discards
}

// DefaultPatience bounds the inventory and every judge.
const DefaultPatience = 5 * time.Second
