package env

import (
	"errors"
	"maps"
	"testing"
)

// Modes of consoles are changed for escape sequences, and put back.
func TestConsoleModes(t *testing.T) {
	const other = 0x2 // ENABLE_WRAP_AT_EOL_OUTPUT
	for _, test := range []struct {
		name   string
		before map[uintptr]uint32 // of consoles
		old    bool               // they know no sequences
		within map[uintptr]uint32
		ok     bool
	}{
		{"no console", map[uintptr]uint32{}, false, map[uintptr]uint32{}, true},
		{"classic", map[uintptr]uint32{1: processedOutput | other, 2: other}, false, map[uintptr]uint32{1: 7, 2: 7}, true},
		{"Windows Terminal", map[uintptr]uint32{1: 7, 2: 7}, false, map[uintptr]uint32{1: 7, 2: 7}, true},
		{"before Windows 10", map[uintptr]uint32{1: 3, 2: 3}, true, map[uintptr]uint32{1: 3, 2: 3}, false},
		{"stderr only", map[uintptr]uint32{2: 3}, false, map[uintptr]uint32{2: 7}, true},
	} {
		now := maps.Clone(test.before)
		m := consoleModes{
			get: func(handle uintptr) (uint32, error) {
				mode, ok := now[handle]
				if !ok {
					return 0, errors.New("no console")
				}
				return mode, nil
			},
			set: func(handle uintptr, mode uint32) error {
				if test.old && mode&sequencesOutput != 0 {
					return errors.New("invalid parameter")
				}
				now[handle] = mode
				return nil
			},
		}
		restore, ok := m.take(1, 2)
		if ok != test.ok || !maps.Equal(now, test.within) {
			t.Errorf("%s: %v, modes %v; want %v, %v", test.name, ok, now, test.ok, test.within)
		}
		if restore(); !maps.Equal(now, test.before) {
			t.Errorf("%s: afterwards %v, want %v", test.name, now, test.before)
		}
	}
}
