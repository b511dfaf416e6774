package policy

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

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
		s := scanner{text: text}
		s.skip(0)
		if s.peek() != 0 || s.pos < len(s.text) {
			s.unexpected("the end")
		}
		want := json.Valid([]byte(text)) && utf8.ValidString(text)
		if got := !s.failed(); got != want {
			t.Fatalf("%q: taken %v, want %v (%s at %d)", text, got, want, s.fault, s.at)
		}
		if want {
			taken++
		}
		if e := s.error("p", 0); e != nil && (e.Line < 1 || e.Column < 1 || e.Line > 1+strings.Count(text, "\n")) {
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
		s := scanner{text: text + " "}
		got := s.str("a string")
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if got != want || s.failed() || s.pos != len(text) {
			t.Fatalf("%s: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"-1.5e3": "-1.5e3", "true": "true", "false ": "false", `"x"`: "x", " 7,": "7"} {
		s := scanner{text: text}
		if got := s.scalar("a value"); got != want || s.failed() {
			t.Errorf("%q: got %q, %s", text, got, s.fault)
		}
	}
}

func TestSyntaxErrorPlaces(t *testing.T) {
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"é:x\", \"Resource\": \"*\"}\n  ]\n}"
	_, err := Parse(Identity, `role/dev, inline "ssm"`, []byte(text))
	var at *SyntaxError
	if !errors.As(err, &at) || at.Line != 4 || at.Column != 35 || at.Source != `role/dev, inline "ssm"` {
		t.Fatalf("%v", err)
	}
	if got := err.Error(); got != `role/dev, inline "ssm":4:35: "é" is not a service prefix` {
		t.Error(got)
	}
	// the column counts characters, not bytes
	_, err = Parse(Identity, "p", []byte(`{"Id":"日本", x}`))
	if !errors.As(err, &at) || at.Column != 13 {
		t.Errorf("%v", err)
	}
}

// What one parser read before must not show in what it reads next.
func TestCaseEvaluatorForgets(t *testing.T) {
	var d, fresh CaseEvaluator
	lines := []string{
		aCase(`permissionBoundary={"name":"b","document":{"Statement":` + allowS3 + `}}`),
		aCase("other=1"),
		aCase(`principal={"type":"root","arn":"arn:aws:iam::111122223333:root"}`),
		aCase("identityPolicies="),
		aCase(`unknown=["*"]`),
		aCase(`context={"aws:PrincipalTag/team":["a","b"]}`),
		"broken",
		aCase(`scps=[[]]`),
		aCase(`sessionPolicies=[{"name":"s","document":{"Statement":` + allowS3 + `}}]`),
	}
	for range 3 {
		for _, line := range lines {
			want := string(fresh.Decide(nil, line))
			fresh = CaseEvaluator{}
			if got := string(d.Decide(nil, line)); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
			}
		}
	}
}

func TestAppendJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1f\n", "é😀<>&\u2028"} {
		var back string
		if err := json.Unmarshal(appendJSON(nil, s), &back); err != nil || back != s {
			t.Errorf("%s: %v, %s", strconv.Quote(s), err, strconv.Quote(back))
		}
	}
}
