package reliable

import (
	"slices"
	"time"
)

// Latest is the last of some moments.
func Latest(all ...time.Time) time.Time { return slices.MaxFunc(all, time.Time.Compare) }
