package memtest

import (
	"runtime"
	"testing"
)

// What an input may cost, garbage included: a start that has nothing to do with its
// size, and for each of its bytes what the most lavish of the decoders takes, which is
// that of YAML, several times over.
const (
	base    = 8 << 20 // bytes
	perByte = 2 << 10 // bytes
)

// Bounded begins to count the bytes that the process allocates. The function that it
// returns ends the count, and fails the test if they are more than an input of size bytes
// may cost:
//
//	defer memtest.Bounded(t, len(input))()
//
// Other tests must not run at the same time: theirs would be counted, too.
func Bounded(t testing.TB, size int) (end func()) {
	t.Helper()
	before := allocated()
	return func() {
		t.Helper()
		if used, limit := allocated()-before, uint64(base+size*perByte); used > limit {
			t.Errorf("an input of %d bytes cost %d bytes of memory, more than %d", size, used, limit)
		}
	}
}

// allocated returns how many bytes were allocated since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
