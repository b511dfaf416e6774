package scan

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func times(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

func pickOne[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// randomJSON writes a random value, now and then with a mistake in it.
func randomJSON(r *rand.Rand, depth int) string {
	space := func() string { return pickOne(r, []string{"", "", " ", "\n\t", "\r"}) }
	list := func(f func() string) string {
		var out []string
		for range r.IntN(4) {
			out = append(out, space()+f()+space())
		}
		return strings.Join(out, ",")
	}
	kind := r.IntN(9)
	if depth > 3 {
		kind = r.IntN(6)
	}
	switch kind {
	case 0:
		return pickOne(r, []string{"true", "false", "null"})
	case 1, 2:
		return pickOne(r, []string{"0", "-0", "1", "-12.5", "1e9", "1E-9", "0.25e+3", "123456789012345678901234567890"})
	case 3, 4, 5:
		return randomString(r)
	case 6:
		return "[" + list(func() string { return randomJSON(r, depth+1) }) + space() + "]"
	}
	return "{" + list(func() string { return randomString(r) + space() + ":" + space() + randomJSON(r, depth+1) }) + space() + "}"
}

func randomString(r *rand.Rand) string {
	var b strings.Builder
	b.WriteByte('"')
	for range r.IntN(20) {
		b.WriteString(pickOne(r, []string{"a", "bcdefgh", "é", "日", "😀", `\"`, `\\`, `\/`, `\n`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\ude00x`, `\u0000`, "~", " ", "\u007f"}))
	}
	return b.String() + `"`
}

// damage changes, drops or adds a byte.
func damage(r *rand.Rand, text string) string {
	at := r.IntN(len(text) + 1)
	extra := pickOne(r, []string{"", "x", "\"", "{", "}", "[", "]", ",", ":", "\\", "0", "-", ".", "e", "t", "\x01", "\xff", " "})
	return text[:at] + extra + text[min(at+r.IntN(2), len(text)):]
}

// The scanner takes what encoding/json takes, but no text that is not UTF-8.
func TestScannerTakesJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	taken := 0
	for range times(60000, 10000) {
		text := randomJSON(r, 0)
		if r.IntN(2) == 0 {
			text = damage(r, text)
		}
		s := Scanner{Text: text}
		s.Skip(0)
		s.End("the end")
		want := json.Valid([]byte(text)) && utf8.ValidString(text)
		if got := !s.Failed(); got != want {
			t.Fatalf("%q: taken %v, want %v (%s at %d)", text, got, want, s.fault, s.at)
		}
		if want {
			taken++
		}
		if e := s.Fault("p"); e != nil && (e.Line < 1 || e.Column < 1 || e.Line > 1+strings.Count(text, "\n")) {
			t.Fatalf("%q: fault at %d:%d", text, e.Line, e.Column)
		}
	}
	if taken < times(20000, 3000) {
		t.Errorf("only %d values were taken", taken)
	}
}

// Strings and scalars are read as encoding/json reads them.
func TestScannerReadsStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for range times(20000, 2000) {
		text := randomString(r)
		s := Scanner{Text: text + " "}
		got := s.Str("a string")
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if got != want || s.Failed() || s.Pos != len(text) {
			t.Fatalf("%s: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"-1.5e3": "-1.5e3", "true": "true", "false ": "false", `"x"`: "x", " 7,": "7"} {
		s := Scanner{Text: text}
		if got := s.Scalar("a value"); got != want || s.Failed() {
			t.Errorf("%q: got %q, %s", text, got, s.fault)
		}
	}
}
