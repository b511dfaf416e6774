package env

// consoleModes reads and sets the modes of a console's output, as
// "SetConsoleMode" of Windows' documentation has them.
type consoleModes struct {
	get func(handle uintptr) (uint32, error)
	set func(handle uintptr, mode uint32) error
}

// Modes of a console's output.
const (
	processedOutput = 0x1 // ENABLE_PROCESSED_OUTPUT
	sequencesOutput = 0x4 // ENABLE_VIRTUAL_TERMINAL_PROCESSING
)

// take lets consoles read escape sequences. ok is false if one cannot, and restore puts the
// modes back. What is no console is left alone.
func (m consoleModes) take(handles ...uintptr) (restore func(), ok bool) {
	type changed struct {
		handle uintptr
		mode   uint32
	}
	var before []changed
	ok = true
	for _, handle := range handles {
		mode, err := m.get(handle)
		if err != nil {
			continue // a file or a pipe
		}
		wanted := mode | processedOutput | sequencesOutput
		if wanted == mode {
			continue
		}
		if err := m.set(handle, wanted); err != nil {
			ok = false
			continue
		}
		before = append(before, changed{handle, mode})
	}
	return func() {
		for i := len(before) - 1; i >= 0; i-- {
			m.set(before[i].handle, before[i].mode) //nolint:errcheck // the console is gone
		}
	}, ok
}
