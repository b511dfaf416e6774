package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// naiveMatch is the definition of a glob, tried out in every way.
func naiveMatch(g *glob, p, i int, s string, fold int) bool {
	if p == len(g.text) {
		return i == len(s)
	}
	switch c := g.text[p]; {
	case c == g.star:
		for end := i; ; end++ {
			if naiveMatch(g, p+1, end, s, fold) {
				return true
			}
			if end == len(s) || s[end] == ':' && !g.passesColon(p) {
				return false
			}
		}
	case i == len(s):
		return false
	case c == g.quest:
		return (p >= g.free || s[i] != ':') && naiveMatch(g, p+1, i+1, s, fold)
	case c == s[i] || i < fold && lower(c) == lower(s[i]):
		return naiveMatch(g, p+1, i+1, s, fold)
	}
	return false
}

func randomText(r *rand.Rand, alphabet string, length int) string {
	var b strings.Builder
	for range r.IntN(length + 1) {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func TestGlobAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	matched := 0
	for range times(300000, 50000) {
		g := glob{text: randomText(r, "ab:**?B", 9), star: rawStar, quest: rawQuest, crossing: r.IntN(2) == 0}
		s := randomText(r, "ab::A", 9)
		fold := 0
		switch r.IntN(3) {
		case 0:
			g.free = afterColons(g.text, 1+r.IntN(2))
		case 1:
			g.free = afterColons(g.text, 2)
			fold = min(afterColons(s, 2), len(s))
		}
		want := naiveMatch(&g, 0, 0, s, fold)
		if got := g.match(s, fold); got != want {
			t.Fatalf("%+v against %q, fold %d: got %v, want %v", g, s, fold, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < times(10000, 1500) {
		t.Errorf("only %d matches", matched)
	}
}

// Long pieces with question marks are searched for in another way than short ones.
func TestGlobLongPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		piece := []byte(strings.Repeat("ab", 100+r.IntN(40)))
		text := strings.Repeat("ab", r.IntN(50)) + string(piece) + strings.Repeat("a", r.IntN(50))
		for range 1 + r.IntN(5) {
			piece[r.IntN(len(piece))] = "?x"[r.IntN(6)/5]
		}
		piece[r.IntN(len(piece))] = '?'
		want := false
		g := glob{text: string(piece), star: rawStar, quest: rawQuest}
		for at := range text {
			want = want || g.piece(g.text, text[at:]) >= 0
		}
		g.text = "*" + g.text + "*"
		if got := g.match(text, 0); got != want {
			t.Fatalf("%q against %q: got %v", g.text, text, got)
		}
		if g.match(text+"é", 0) != want {
			t.Fatalf("%q: another answer for text that is not ASCII", g.text)
		}
	}
}

func TestGlobCharacters(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"?", "é", true}, {"??", "é", false}, {"*é", "aé", true}, {"a?c", "a😀c", true}, {"*?", "", false}, {"*?", "é", true},
		{"?*?", "é", false}, {"?*?", "éé", true}, {"*?a", "éa", true}, {"*a?", "aaé", true}, {"*?b*", "éb", true}, {"*?b*", "b", false},
		{"*b?c*", "abéc", true}, {"*b??c*", "abéc", false}, {"**", "", true}, {"", "", true}, {"", "a", false}, {"a**b", "ab", true},
	}
	for _, tt := range tests {
		g := glob{text: tt.pattern, star: rawStar, quest: rawQuest}
		if got := g.match(tt.s, 0); got != tt.want {
			t.Errorf("%q against %q: got %v", tt.pattern, tt.s, got)
		}
	}
}

func TestResourceMatches(t *testing.T) {
	const document = "arn:aws:ssm:us-east-1:111122223333:document/Shell"
	tests := []struct {
		pattern, arn string
		want         truth
	}{
		{"*", document, yes},
		{"*", "*", yes},
		{"arn:aws:ssm:*:*:*", "*", no},
		{document, document, yes},
		{"arn:aws:ssm:us-east-1:111122223333:document/shell", document, no},
		{"ARN:AWS:SSM:US-EAST-1:111122223333:document/Shell", document, yes},
		{"arn:aws:ssm:us-east-1::document/Shell", document, no},
		{"arn:aws:ssm:us-east-1:*:document/Shell", document, yes},
		{"arn:aws:ssm:*:document/*", document, yes},
		{"arn:aws:ssm:us-*:document/*", document, yes},
		{"arn:aws:ssm:us*1:document/*", document, no},
		{"arn:aws:ssm:us*1:*:document/*", document, yes},
		{"arn:aws:ssm:us?east?1:????????????:document/*", document, yes},
		{"arn:aws:ssm:us-east-1?111122223333:document/*", document, no},
		{"arn:aws:ssm:*:*:Document/*", document, no},
		{"arn:aws:ssm", document, yes},
		{"arn:aws:ssm:us-east-1", document, yes},
		{"arn:aws:ssm:us-west-1", document, no},
		{"arn:aws:ssm:us-east-1:111122223333", document, yes},
		{"arn:aws:ss", document, no},
		{"arn:aws:ssm", "not an ARN", no},
		{"arn:*:ssm:*", document, yes},
		{"arn:aws:s3:::b/*/c", "arn:aws:s3:::b/x:y/c", yes},
	}
	for _, tt := range tests {
		for kind, want := range map[Kind]truth{Identity: tt.want, Endpoint: tt.want} {
			if kind == Endpoint && strings.Count(tt.pattern, ":") < 5 && !strings.Contains(tt.pattern, "*") {
				want = no // only identity policies complete short ARNs
			}
			r := compileResource(tt.pattern, kind)
			if got := r.matches(tt.arn, afterColons(tt.arn, 5), &Context{}); got != want {
				t.Errorf("%v %q against %q: got %v, want %v", kind, tt.pattern, tt.arn, got, want)
			}
		}
	}
}

func TestActionMatches(t *testing.T) {
	tests := []struct {
		pattern, action string
		want            bool
	}{
		{"*", "ssm:StartSession", true}, {"*:*", "ssm:StartSession", true}, {"ssm:*", "ssm:StartSession", true},
		{"SSM:startsession", "ssm:StartSession", true}, {"ssm:Start", "ssm:StartSession", false}, {"ssm:StartSessions", "ssm:StartSession", false},
		{"ssm:start*", "ssm:StartSession", true}, {"ssm:*session", "ssm:StartSession", true}, {"ssm:S?art*", "ssm:StartSession", true},
		{"ssm:S?art", "ssm:StartSession", false}, {"ssmmessages:*", "ssm:StartSession", false}, {"ss:*", "ssm:StartSession", false},
		{"*:StartSession", "ssm:StartSession", true}, {"ssm:", "ssm:StartSession", false}, {"ssm: *", "ssm:StartSession", false},
	}
	for _, tt := range tests {
		a := compileAction(tt.pattern)
		if got := a.matches(tt.action); got != tt.want {
			t.Errorf("%q against %q: got %v", tt.pattern, tt.action, got)
		}
	}
}

func TestStatementMatchers(t *testing.T) {
	s, err := ParseStatement(Identity, "p", []byte(`{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::${aws:username}",
		"Condition":{"Bool":{"aws:SecureTransport":"true"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var c Context
	c.Set("aws:username", "al")
	c.SetUnknown("aws:SecureTransport")
	if s.MatchesAction("iam:GetUser") || !s.MatchesAction("ssm:StartSession") {
		t.Error("NotAction")
	}
	if s.MatchesResource("arn:aws:s3:::al", c) || !s.MatchesResource("arn:aws:s3:::bo", c) {
		t.Error("NotResource")
	}
	if s.MatchesConditions(c) {
		t.Error("a condition that turns on an unknown key holds")
	}
	c.Set("aws:SecureTransport", "true")
	if !s.MatchesConditions(c) {
		t.Error("the condition does not hold")
	}
	c.SetUnknown("aws:username")
	if s.MatchesResource("arn:aws:s3:::bo", c) || s.MatchesResource("arn:aws:s3:::al", c) {
		t.Error("a resource that turns on an unknown key matches")
	}
	if !s.MatchesResource("arn:aws:sqs:::al", c) {
		t.Error("no value of the variable matches an ARN of SQS")
	}
	var zero Statement
	if zero.MatchesAction("a:b") || zero.MatchesResource("*", c) {
		t.Error("the zero statement matches")
	}
}
