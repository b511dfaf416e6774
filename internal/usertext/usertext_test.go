package usertext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Of is a text as UTF-16.
func utf16Of(order binary.AppendByteOrder, text string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func TestDecode(t *testing.T) {
	le, be := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	for _, test := range []struct {
		name    string
		data    []byte
		want    string
		err     error
		asUTF16 bool
	}{
		{name: "nothing"},
		{name: "one byte", data: []byte("a"), want: "a"},
		{name: "UTF-8", data: []byte("{\"ä\": \"𝄞\"}\n"), want: "{\"ä\": \"𝄞\"}\n"},
		{name: "with a mark", data: []byte("\uFEFF{}\r\n"), want: "{}\r\n"},
		{name: "of PowerShell 5", data: utf16Of(le, "\uFEFF{\"ä\": \"𝄞\"}\r\n"), want: "{\"ä\": \"𝄞\"}\r\n", asUTF16: true},
		{name: "big end first", data: utf16Of(be, "\uFEFF{}\r\n"), want: "{}\r\n", asUTF16: true},
		{name: "without a mark", data: utf16Of(le, "{}"), want: "{}", asUTF16: true},
		{name: "big end first without a mark", data: utf16Of(be, "{}"), want: "{}", asUTF16: true},
		{name: "a mark alone", data: []byte{0xFF, 0xFE}, asUTF16: true},
		{name: "half a character", data: []byte{0xFF, 0xFE, 'a'}, err: ErrUTF16},
		{name: "half a pair", data: utf16Of(le, "\uFEFF𝄞")[:4], err: ErrUTF16},
		{name: "a pair the wrong way round", data: []byte{0xFF, 0xFE, 0x1E, 0xDD, 0x34, 0xD8}, err: ErrUTF16},
		{name: "Latin-1", data: []byte("J\xfcrgen"), want: "J\xfcrgen"},
		{name: "some lines of Windows", data: []byte("a\r\nb\n"), want: "a\r\nb\n"},
	} {
		text, form, err := Decode(test.data)
		if string(text) != test.want || !errors.Is(err, test.err) || form.IsUTF16() != test.asUTF16 {
			t.Errorf("%s: %q, %+v, %v", test.name, text, form, err)
			continue
		}
		if err == nil && !bytes.Equal(form.Encode(text), test.data) {
			t.Errorf("%s: written back as %q", test.name, form.Encode(text))
		}
	}
}

// A line that is added to a text ends as the others do.
func TestLike(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	for old, want := range map[string]string{
		"a\n":         "a\nb\n",
		"a\r\n":       "a\r\nb\r\n",
		"\uFEFFa\r\n": "\uFEFFa\r\nb\r\n",
		string(utf16Of(binary.LittleEndian, "\uFEFFa\r\n")): string(utf16Of(binary.LittleEndian, "\uFEFFa\r\nb\r\n")),
		"\xff\xfea": "a\nb\n", // no text
	} {
		if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := ReadFile(file)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "read "+file+": the text begins as UTF-16") {
				t.Error(err)
			}
			text = []byte("a\n")
		}
		if got := Like(file, append(text, "b\n"...)); string(got) != want {
			t.Errorf("%q: %q, want %q", old, got, want)
		}
	}
	if got := Like(filepath.Join(t.TempDir(), "none"), []byte("a\n")); string(got) != "a\n" {
		t.Errorf("%q", got)
	}
	if text, err := ReadAll(bytes.NewReader(utf16Of(binary.BigEndian, "a"))); string(text) != "a" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "{}", "\uFEFF{}", "\xff\xfe{\x00}\x00", "\xfe\xff\x00{", "{\x00", "\x00{", "a\r\nb"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, form, err := Decode(data)
		if err == nil && !bytes.Equal(form.Encode(text), data) {
			t.Errorf("%q is written back as %q", data, form.Encode(text))
		}
	})
}
