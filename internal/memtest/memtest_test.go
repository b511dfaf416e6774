package memtest

import (
	"runtime"
	"testing"
)

// noting notes a failure in place of failing.
type noting struct {
	testing.TB
	failed bool
}

func (n *noting) Errorf(string, ...any) { n.failed = true }

func TestBounded(t *testing.T) {
	for _, test := range []struct {
		name        string
		size, costs int
		fails       bool
	}{
		{"nothing", 0, 0, false},
		{"as much as the start", 0, base / 2, false},
		{"more than an empty input may", 0, base + 1<<20, true},
		{"the same, of a larger input", 1 << 10, base + 1<<20, false},
		{"more than the larger one may", 1 << 10, base + 3<<20, true},
	} {
		n := &noting{TB: t}
		end := Bounded(n, test.size)
		b := make([]byte, test.costs)
		end()
		runtime.KeepAlive(b)
		if n.failed != test.fails {
			t.Errorf("%s: failed %t", test.name, n.failed)
		}
	}
}
