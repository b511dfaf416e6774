package usertext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReader: a stream gives what Decode gives of the whole, however it comes.
func TestReader(t *testing.T) {
	long := strings.Repeat("{\"Name\": \"aä€😀\"}\n", 9000)
	for _, form := range []Form{{}, {mark: true}, {order: binary.LittleEndian, mark: true}, {order: binary.BigEndian, mark: true}, {order: binary.LittleEndian}, {order: binary.BigEndian}} {
		for _, text := range []string{"", "{}", "{\"a\": \"😀\"}", long} {
			data := form.Encode([]byte(text))
			want, _, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range map[string]io.Reader{"at once": bytes.NewReader(data), "byte by byte": iotest.OneByteReader(bytes.NewReader(data)), "with its end": iotest.DataErrReader(bytes.NewReader(data))} {
				got, err := io.ReadAll(NewReader(r))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%+v, %d bytes, %s: %d bytes, %v", form, len(data), name, len(got), err)
				}
			}
		}
	}
	for _, bad := range []string{"\xff\xfe{", "\xff\xfe{\x00\x00\xd8", "\xff\xfe{\x00\x00\xd8{\x00"} {
		if _, err := io.ReadAll(NewReader(strings.NewReader(bad))); !errors.Is(err, ErrUTF16) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	lost := errors.New("lost")
	if _, err := io.ReadAll(NewReader(io.MultiReader(strings.NewReader("{\x00"), iotest.ErrReader(lost)))); !errors.Is(err, lost) {
		t.Errorf("%v", err)
	}
}
