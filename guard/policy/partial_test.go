package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// More properties of what is not known: which keys a verdict depends on, what an
// unreadable layer can hide, and that learning something never contradicts.

// pivotal finds by brute force the unknown keys whose value alone can turn
// allow into a denial or the reverse.
func (b *brute) pivotal(texts []string) []string {
	var e Evaluator
	allows := func(c Context) bool { return e.Decide(&b.set, "s:A", bruteARN, &c).Verdict == Allow }
	var out []string
	for i, key := range b.unknown {
		others := slices.Delete(slices.Clone(b.unknown), i, i+1)
		rest := brute{set: b.set, context: b.context, unknown: others}
		turns := false
		rest.completions(texts, func(c Context) {
			if turns {
				return
			}
			c.SetAbsent(key)
			first := allows(c)
			for _, v := range texts {
				c.Set(key, v)
				if allows(c) != first {
					turns = true
					return
				}
			}
		})
		if turns {
			out = append(out, key)
		}
	}
	return out
}

func TestDependsOnByBruteForce(t *testing.T) {
	texts := bruteTexts()
	r := rand.New(rand.NewPCG(25, 26))
	same, more := 0, 0
	for range times(400, 120) {
		b := newBrute(t, r)
		a := b.set.Evaluate("s:A", bruteARN, b.context)
		if a.Verdict != Unknown {
			continue
		}
		want := b.pivotal(texts)
		for _, key := range want {
			if !slices.Contains(a.DependsOn, key) {
				t.Fatalf("depends on %q, but %s turns it\n%s", a.DependsOn, key, b.text)
			}
		}
		if len(want) == len(a.DependsOn) {
			same++
		} else {
			more++ // where the search could not tell
		}
	}
	t.Logf("%d the same, %d name more", same, more)
	if more*10 > same {
		t.Errorf("%d answers name more keys than turn the verdict, %d do not", more, same)
	}
}

// hidden are statements that a layer may hide.
var hidden = []string{
	"",
	`{"Effect":"Allow","Action":"*","Resource":"*"}`,
	`{"Effect":"Deny","Action":"*","Resource":"*"}`,
	`{"Effect":"Allow","Action":"s:A","Resource":"arn:aws:s:::r/*"}`,
	`{"Effect":"Deny","Action":"s:B","Resource":"*"}`,
}

// add puts a statement into the layer of a kind.
func (s Set) add(t *testing.T, kind Kind, text string) Set {
	var extra []Statement
	if text != "" {
		if kind == RCP {
			if text[11:16] == "Allow" {
				return s
			}
			text = `{"Principal":"*",` + text[1:]
		}
		extra = statements(t, kind, "hidden", text)
	}
	grow := func(l []Statement) []Statement { return append(slices.Clone(l), extra...) }
	switch kind {
	case Identity:
		s.Identity = grow(s.Identity)
	case Boundary:
		s.Boundary = grow(s.Boundary)
	case Session:
		s.Session = grow(s.Session)
	case Endpoint:
		s.Endpoint = grow(s.Endpoint)
	case SCP:
		s.SCP = hideInLevels(s.SCP, grow)
	case RCP:
		s.RCP = hideInLevels(s.RCP, grow)
	}
	return s
}

// hideInLevels changes the last level, or makes the only one.
func hideInLevels(levels [][]Statement, grow func([]Statement) []Statement) [][]Statement {
	if len(levels) == 0 {
		return [][]Statement{grow(nil)}
	}
	out := slices.Clone(levels)
	out[len(out)-1] = grow(out[len(out)-1])
	return out
}

func TestUnreadableLayersByBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	var verdicts [4]int
	for range times(3000, 600) {
		b := newBrute(t, r)
		c := b.context
		for _, key := range b.unknown {
			c.Set(key, pickOne(r, brutePatterns))
		}
		set := b.set
		if r.IntN(3) == 0 {
			set.SCP = [][]Statement{statements(t, SCP, "scp", b.statement(r, "Allow"))}
		}
		kind := Kind(r.IntN(6))
		var seen outcomes
		for _, text := range hidden {
			complete := set.add(t, kind, text)
			seen |= map[Verdict]outcomes{Allow: sawAllow, ImplicitDeny: sawImplicit, ExplicitDeny: sawExplicit}[complete.Evaluate("s:A", bruteARN, c).Verdict]
		}
		want := ImplicitDeny
		switch {
		case seen.open():
			want = Unknown
		case seen == sawExplicit:
			want = ExplicitDeny
		}
		set.Partial = []Kind{kind}
		got := set.Evaluate("s:A", bruteARN, c)
		verdicts[got.Verdict]++
		if got.Verdict != want {
			t.Fatalf("%v unreadable: got %v, want %v\n%s", kind, got.Verdict, want, b.text)
		}
		if want == Unknown && !slices.Equal(got.DependsOn, []string{kind.String()}) {
			t.Errorf("%v unreadable: depends on %q", kind, got.DependsOn)
		}
	}
	if verdicts[Allow] > 0 || verdicts[Unknown] == 0 || verdicts[ImplicitDeny] == 0 || verdicts[ExplicitDeny] == 0 {
		t.Errorf("verdicts %v", verdicts)
	}
}

// Learning what a key is can settle a verdict, and never contradicts one.
func TestLearningNeverContradicts(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 30))
	texts := bruteTexts()
	settled := 0
	for range 2000 {
		b := newBrute(t, r)
		before := b.set.Evaluate("s:A", bruteARN, b.context).Verdict
		c := b.context
		for _, key := range b.unknown {
			if r.IntN(4) == 0 {
				c.SetAbsent(key)
			} else {
				c.Set(key, pickOne(r, texts))
			}
			after := b.set.Evaluate("s:A", bruteARN, c).Verdict
			if before != Unknown && (before == Allow) != (after == Allow) {
				t.Fatalf("%v became %v\n%s", before, after, b.text)
			}
			if before == Unknown && after != Unknown {
				settled++
			}
			before = after
		}
		if before == Unknown {
			t.Fatalf("everything is known and yet the verdict is not\n%s", b.text)
		}
	}
	if settled < 200 {
		t.Errorf("only %d verdicts were settled", settled)
	}
}

// Two unreadable layers, or one with an unknown key, hide no less than each.
func TestUnknownsAddUp(t *testing.T) {
	set := Set{
		Identity: statements(t, Identity, "identity", allowAll),
		Boundary: statements(t, Boundary, "boundary", ifTagged),
		SCP:      [][]Statement{statements(t, SCP, "scp", allowAll+","+unTagged)},
	}
	var tagged, untagged, nobodyKnows Context
	tagged.Set("aws:PrincipalTag/team", "a")
	nobodyKnows.SetUnknown("aws:PrincipalTag/team")
	tests := []struct {
		name      string
		c         Context
		partial   []Kind
		want      Verdict
		dependsOn []string
	}{
		{"all known", tagged, nil, Allow, nil},
		{"known to be denied", untagged, nil, ExplicitDeny, nil},
		{"the key", nobodyKnows, nil, Unknown, []string{"aws:PrincipalTag/team"}},
		{"a layer", tagged, []Kind{SCP}, Unknown, []string{"scp"}},
		{"two layers", tagged, []Kind{RCP, Session}, Unknown, []string{"session", "rcp"}},
		{"the key and a layer", nobodyKnows, []Kind{Identity}, Unknown, []string{"aws:PrincipalTag/team", "identity"}},
		{"denied whatever the layer holds", untagged, []Kind{Identity, Boundary, SCP}, ExplicitDeny, nil},
	}
	for _, tt := range tests {
		set.Partial = tt.partial
		a := set.Evaluate(startVerb, instance, tt.c)
		if a.Verdict != tt.want || !slices.Equal(a.DependsOn, tt.dependsOn) {
			t.Errorf("%s: got %v, which depends on %q", tt.name, a.Verdict, a.DependsOn)
		}
	}
}

// Where one of several Denies must match, all of them are named; a Deny that
// matches in any case is named alone.
func TestReasonsOfDenialsThatSplit(t *testing.T) {
	on := `{"Sid":"On","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`
	off := `{"Sid":"Off","Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}`
	never := `{"Sid":"Never","Effect":"Deny","Action":"iam:*","Resource":"*"}`
	tests := []struct {
		name, list string
		want       Verdict
		by         []string
	}{
		{"one or the other", on + "," + off + "," + never + "," + allowAll, ExplicitDeny, []string{"On", "Off"}},
		{"one in any case", on + "," + off + "," + denySSM + "," + allowAll, ExplicitDeny, []string{"NoSSM"}},
		{"perhaps one", on + "," + allowAll, Unknown, nil},
		{"perhaps one, perhaps none allows", on, ImplicitDeny, nil},
		{"one or the other, and nothing allows", on + "," + off, ExplicitDeny, []string{"On", "Off"}},
	}
	var c Context
	c.SetUnknown("aws:SecureTransport")
	for _, tt := range tests {
		a := Set{Identity: statements(t, Identity, "p", tt.list)}.Evaluate(startVerb, instance, c)
		var by []string
		for _, at := range a.By {
			by = append(by, at.Sid)
		}
		if a.Verdict != tt.want || !slices.Equal(by, tt.by) {
			t.Errorf("%s: got %v by %q, want %v by %q", tt.name, a.Verdict, by, tt.want, tt.by)
		}
		if a.Layers[0].Verdict != tt.want {
			t.Errorf("%s: the layer says %v", tt.name, a.Layers[0].Verdict)
		}
	}
}

// A layer that three-valued logic leaves open is settled like the whole.
func TestLayersAreSettled(t *testing.T) {
	set := Set{
		Identity: statements(t, Identity, "identity", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/owner":"${aws:PrincipalTag/none}"}}}`),
		Boundary: statements(t, Boundary, "boundary", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLikeIfExists":{"ssm:resourceTag/owner":"*"}}}`),
		Session:  statements(t, Session, "session", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/owner":"a"}}}`),
	}
	var c Context
	c.SetUnknown("ssm:resourceTag/*")
	a := set.Evaluate(startVerb, instance, c)
	var got []Verdict
	for _, l := range a.Layers {
		got = append(got, l.Verdict)
	}
	if want := []Verdict{ImplicitDeny, Allow, Unknown}; a.Verdict != ImplicitDeny || !slices.Equal(got, want) {
		t.Errorf("%v, layers %v, want %v", a.Verdict, got, want)
	}
}
