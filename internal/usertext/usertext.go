package usertext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"unicode/utf16"
	"unicode/utf8"
)

// Form is how a text was written. The zero Form is UTF-8 with the line ends of Unix.
type Form struct {
	order binary.AppendByteOrder // of UTF-16; nil for UTF-8
	mark  bool                   // the text begins with a byte order mark
	crlf  bool                   // every line ends with CR LF
}

// IsUTF16 reports whether a text was UTF-16.
func (f Form) IsUTF16() bool { return f.order != nil }

// ErrUTF16 is a text that begins as UTF-16 and is none.
var ErrUTF16 = errors.New("the text begins as UTF-16 and is none; save the file as UTF-8")

const mark = "\uFEFF"

// Decode returns a text as UTF-8 without a byte order mark, and its form. What is neither
// UTF-8 nor UTF-16 stays as it is: whoever knows the text's language says what is wrong.
func Decode(data []byte) (text []byte, form Form, err error) {
	text = data
	if form.order = utf16Order(data); form.order != nil {
		if text, err = fromUTF16(data, form.order); err != nil {
			return nil, Form{}, err
		}
	}
	text, form.mark = bytes.CutPrefix(text, []byte(mark))
	lines := bytes.Count(text, []byte("\n"))
	form.crlf = lines > 0 && bytes.Count(text, []byte("\r\n")) == lines
	return text, form, nil
}

// Encode writes a text in a form. Lines get the ends that all of them had.
func (f Form) Encode(text []byte) []byte {
	if f.crlf {
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	if f.mark {
		text = append([]byte(mark), text...)
	}
	if f.order == nil {
		return text
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(string(text))) {
		out = f.order.AppendUint16(out, unit)
	}
	return out
}

// utf16Order returns the byte order of a UTF-16 text, nil for another one. A text without a
// mark is one if its first character has a zero byte, which no text in UTF-8 begins with.
func utf16Order(data []byte) binary.AppendByteOrder {
	if len(data) < 2 {
		return nil
	}
	switch a, b := data[0], data[1]; {
	case a == 0xFF && b == 0xFE, a != 0 && b == 0:
		return binary.LittleEndian
	case a == 0xFE && b == 0xFF, a == 0 && b != 0:
		return binary.BigEndian
	}
	return nil
}

func fromUTF16(data []byte, order binary.AppendByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, ErrUTF16
	}
	read := binary.ByteOrder(binary.LittleEndian)
	if order == binary.AppendByteOrder(binary.BigEndian) {
		read = binary.BigEndian
	}
	text := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(read.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			next := rune(0)
			if i += 2; i < len(data) {
				next = rune(read.Uint16(data[i:]))
			}
			if r = utf16.DecodeRune(r, next); r == utf8.RuneError {
				return nil, ErrUTF16
			}
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}

// ReadFile returns the text of a file as UTF-8.
func ReadFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	text, _, err := Decode(data)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: file, Err: err}
	}
	return text, nil
}

// ReadAll returns the text of a stream as UTF-8.
func ReadAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text, _, err := Decode(data)
	return text, err
}

// Like returns a text in the form that a file has now; a file that is not there has none.
func Like(file string, text []byte) []byte {
	data, err := os.ReadFile(file)
	if err != nil {
		return text
	}
	_, form, err := Decode(data)
	if err != nil {
		return text
	}
	return form.Encode(text)
}
