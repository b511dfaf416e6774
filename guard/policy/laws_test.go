package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// checkLaws checks one identity layer against the laws that every policy obeys.
func checkLaws(t *testing.T, list []Statement, arn string, c Context) {
	t.Helper()
	evaluate := func(list []Statement, c Context) Answer {
		return (Set{Identity: list}).Evaluate(startVerb, arn, c)
	}
	got := evaluate(list, c)
	with := func(text string) Answer {
		s, err := ParseStatement(Identity, "extra", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return evaluate(append(slices.Clone(list), s), c)
	}
	for _, deny := range []string{
		`{"Effect":"Deny","Action":"*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"ssm:*","Resource":"arn:aws:ec2:*","Condition":{"StringEquals":{"aws:username":"x"}}}`,
	} {
		if v := with(deny).Verdict; v == Allow && got.Verdict != Allow || v == Unknown && got.Verdict.Denies() {
			t.Errorf("adding a Deny turned %v into %v", got.Verdict, v)
		}
	}
	for _, allow := range []string{allowAll, `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"x"}}}`} {
		if v := with(allow).Verdict; v.Denies() && !got.Verdict.Denies() || v == Unknown && got.Verdict == Allow {
			t.Errorf("adding an Allow turned %v into %v", got.Verdict, v)
		}
	}
	back := slices.Clone(list)
	slices.Reverse(back)
	if v := evaluate(back, c).Verdict; v != got.Verdict {
		t.Errorf("in reverse order %v became %v", got.Verdict, v)
	}
	if twice := evaluate(append(slices.Clone(list), list...), c).Verdict; twice != got.Verdict {
		t.Errorf("said twice, %v became %v", got.Verdict, twice)
	}
	checkWidening(t, list, arn, c, got.Verdict)
	checkReasons(t, got, c)
	if v := (Set{Identity: list, Partial: []Kind{Identity}}).Evaluate(startVerb, arn, c).Verdict; v != Unknown && v != ExplicitDeny {
		t.Errorf("a layer read in part gives %v", v)
	}
}

// checkWidening widens the resources of Allow statements: what was allowed stays
// allowed.
func checkWidening(t *testing.T, list []Statement, arn string, c Context, before Verdict) {
	t.Helper()
	wide := slices.Clone(list)
	for i := range wide {
		s := &wide[i]
		if s.deny || s.notResource {
			continue
		}
		s.resources = slices.Clone(s.resources)
		for j := range s.resources {
			if r := &s.resources[j]; r.parts == nil && strings.Count(r.text, ":") >= 5 && !strings.Contains(r.text, "${") {
				*r = compileResource(r.text+"*", Identity)
			}
		}
	}
	after := (Set{Identity: wide}).Evaluate(startVerb, arn, c).Verdict
	if before == Allow && after != Allow {
		t.Errorf("wider resources turned %v into %v", before, after)
	}
}

// checkReasons checks that an answer says why.
func checkReasons(t *testing.T, a Answer, c Context) {
	t.Helper()
	switch a.Verdict {
	case ExplicitDeny:
		if len(a.By) == 0 {
			t.Error("denied by nobody")
		}
	case ImplicitDeny, Unknown:
		if len(a.By) > 0 {
			t.Errorf("%v by %v", a.Verdict, a.By)
		}
	}
	if (a.Verdict == Unknown) != (len(a.DependsOn) > 0) {
		t.Errorf("%v depends on %q", a.Verdict, a.DependsOn)
	}
	for _, key := range a.DependsOn {
		if _, _, state := c.Lookup(key); state != KeyUnknown {
			t.Errorf("depends on %q, which is known", key)
		}
	}
}

func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range times(2000, 300) {
		b := newBrute(t, r)
		c := b.context
		if r.IntN(2) == 0 {
			c.Set(b.unknown[0], pickOne(r, brutePatterns))
		}
		list := slices.Clone(b.set.Identity)
		for i := range list {
			list[i].actions = []action{compileAction(pickOne(r, []string{"ssm:*", "*", "ssm:StartSession", "s:A"}))}
		}
		checkLaws(t, list, bruteARN, c)
		if t.Failed() {
			t.Fatal(b.text)
		}
	}
}

// A known verdict never changes, whatever the unknown keys turn out to be: cases
// of the oracle with some of their keys forgotten.
func TestForgettingKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	unknown, known := 0, 0
	for _, name := range []string{"conditions", "variables", "layers", "documented"} {
		lines, _ := oracleCases(t, "testdata/eval/"+name+".jsonl")
		for _, line := range lines {
			var d CaseEvaluator
			d.reset(line)
			d.readCase()
			for _, key := range d.unknown {
				d.context.SetUnknown(key)
			}
			want := d.eval.Decide(&d.set, d.action, d.resource, &d.context).Verdict
			forgotten := d.context
			for _, e := range d.context.Entries() {
				if r.IntN(3) == 0 {
					forgotten.SetUnknown(e.Key)
				}
			}
			forgotten.SetUnknown("aws:PrincipalTag/absent")
			var e Evaluator
			got := e.Decide(&d.set, d.action, d.resource, &forgotten)
			if got.Verdict == Unknown {
				unknown++
				continue
			}
			known++
			if got.Verdict != want && !(got.Verdict == ImplicitDeny && want == ExplicitDeny) {
				t.Errorf("known to be %v before, %v after\n%s", got.Verdict, want, line)
			}
		}
	}
	if unknown < 200 || known < 200 {
		t.Errorf("%d unknown, %d known", unknown, known)
	}
	t.Logf("%d unknown, %d known", unknown, known)
}
