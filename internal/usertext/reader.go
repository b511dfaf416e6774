package usertext

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// NewReader returns the text of a stream as UTF-8 without a byte order mark, while it is read: of
// a text that is too long to be held. ErrUTF16 comes where the text is none.
func NewReader(r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 64<<10)
	begin, _ := in.Peek(len(mark)) // an error comes again with the first Read
	order := utf16Order(begin)
	if order == nil {
		if string(begin) == mark {
			_, _ = in.Discard(len(mark)) // they were peeked at
		}
		return in
	}
	d := &decoder{in: in, order: binary.LittleEndian}
	if order == binary.AppendByteOrder(binary.BigEndian) {
		d.order = binary.BigEndian
	}
	if d.order.Uint16(begin) == 0xFEFF {
		_, _ = in.Discard(2)
	}
	return d
}

// decoder makes UTF-8 of UTF-16.
type decoder struct {
	in    *bufio.Reader
	order binary.ByteOrder
	ready []byte // UTF-8 that was not read yet
	err   error  // that comes after it
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.ready) < len(p) && d.err == nil {
		r, err := d.unit()
		if err == nil && utf16.IsSurrogate(r) {
			next, nextErr := d.unit()
			if r = utf16.DecodeRune(r, next); nextErr != nil || r == utf8.RuneError {
				err = ErrUTF16
			}
		}
		if d.err = err; err == nil {
			d.ready = utf8.AppendRune(d.ready, r)
		}
	}
	if len(d.ready) == 0 {
		return 0, d.err
	}
	n := copy(p, d.ready)
	d.ready = append(d.ready[:0], d.ready[n:]...)
	return n, nil
}

// unit reads 16 bits.
func (d *decoder) unit() (rune, error) {
	var b [2]byte
	switch n, err := io.ReadFull(d.in, b[:]); {
	case n == 1:
		return 0, ErrUTF16
	case err != nil:
		return 0, err
	}
	return rune(d.order.Uint16(b[:])), nil
}
