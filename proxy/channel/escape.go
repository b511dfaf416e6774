package channel

// escaper finds escape sequences in what is typed.
type escaper struct {
	char byte // 0: off
	on   func(byte) bool
	mid  bool // not at the start of a line
	held bool // char was typed and waits for the next byte
}

// filter appends to dst what of src is for the far side. left says that the
// user wants to leave. dst may be src's array as long as it starts a byte before it.
func (e *escaper) filter(dst, src []byte) (out []byte, left bool) {
	for _, b := range src {
		switch {
		case e.held:
			e.held = false
			switch {
			case b == '.':
				return dst, true
			case b == e.char:
				dst = append(dst, b)
				e.mid = true
			case e.on != nil && e.on(b):
			default:
				dst = append(dst, e.char, b)
				e.mid = b != '\r' && b != '\n'
			}
		case e.char != 0 && b == e.char && !e.mid:
			e.held = true
		default:
			dst = append(dst, b)
			e.mid = b != '\r' && b != '\n'
		}
	}
	return dst, false
}
