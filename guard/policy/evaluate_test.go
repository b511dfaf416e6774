package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// statements parses a document of the given statements.
func statements(t testing.TB, kind Kind, source, list string) []Statement {
	t.Helper()
	d, err := Parse(kind, source, []byte(`{"Version":"2012-10-17","Statement":[`+list+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return d.Statements
}

const (
	allowAll  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allowS3   = `{"Sid":"S3","Effect":"Allow","Action":"s3:*","Resource":"*"}`
	denySSM   = `{"Sid":"NoSSM","Effect":"Deny","Action":"ssm:*","Resource":"*"}`
	ifTagged  = `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}}`
	unTagged  = `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"a"}}}`
	instance  = "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
	startVerb = "ssm:StartSession"
)

func TestLayers(t *testing.T) {
	of := func(kind Kind, list string) []Statement { return statements(t, kind, kind.String(), list) }
	all := of(Identity, allowAll)
	denyRCP := `{"Effect":"Deny","Principal":"*","Action":"ssm:*","Resource":"*"}`
	tests := []struct {
		name string
		set  Set
		want Verdict
		by   []string
	}{
		{"nothing", Set{}, ImplicitDeny, nil},
		{"empty identity", Set{Identity: []Statement{}}, ImplicitDeny, nil},
		{"identity", Set{Identity: all}, Allow, []string{"identity"}},
		{"identity denies", Set{Identity: of(Identity, allowAll+","+denySSM)}, ExplicitDeny, []string{"identity"}},
		{"root", Set{Root: true}, Allow, nil},
		{"root below an SCP", Set{Root: true, SCP: [][]Statement{of(SCP, allowS3)}}, ImplicitDeny, nil},
		{"root denied", Set{Root: true, SCP: [][]Statement{of(SCP, allowAll+","+denySSM)}}, ExplicitDeny, []string{"scp"}},
		{"boundary allows", Set{Identity: all, Boundary: of(Boundary, allowAll)}, Allow, []string{"identity", "boundary"}},
		{"boundary allows something else", Set{Identity: all, Boundary: of(Boundary, allowS3)}, ImplicitDeny, nil},
		{"empty boundary", Set{Identity: all, Boundary: []Statement{}}, ImplicitDeny, nil},
		{"boundary alone", Set{Boundary: of(Boundary, allowAll)}, ImplicitDeny, nil},
		{"session policy", Set{Identity: all, Session: of(Session, allowS3+","+allowAll)}, Allow, []string{"identity", "session"}},
		{"session policy too narrow", Set{Identity: all, Session: of(Session, allowS3)}, ImplicitDeny, nil},
		{"no levels", Set{Identity: all, SCP: [][]Statement{}}, Allow, []string{"identity"}},
		{"SCP at every level", Set{Identity: all, SCP: [][]Statement{of(SCP, allowAll), of(SCP, allowAll)}}, Allow, []string{"identity", "scp", "scp"}},
		{"SCP missing at one level", Set{Identity: all, SCP: [][]Statement{of(SCP, allowAll), of(SCP, allowS3)}}, ImplicitDeny, nil},
		{"empty level", Set{Identity: all, SCP: [][]Statement{{}}}, ImplicitDeny, nil},
		{"SCP denies", Set{Identity: all, SCP: [][]Statement{of(SCP, allowAll), of(SCP, denySSM)}}, ExplicitDeny, []string{"scp"}},
		{"RCP allows by itself", Set{Identity: all, RCP: [][]Statement{{}, {}}}, Allow, []string{"identity"}},
		{"RCP denies", Set{Identity: all, RCP: [][]Statement{{}, of(RCP, denyRCP)}}, ExplicitDeny, []string{"rcp"}},
		{"endpoint", Set{Identity: all, Endpoint: of(Endpoint, allowAll)}, Allow, []string{"identity", "endpoint"}},
		{"endpoint too narrow", Set{Identity: all, Endpoint: of(Endpoint, allowS3)}, ImplicitDeny, nil},
		{"a deny everywhere counts", Set{Boundary: of(Boundary, denySSM)}, ExplicitDeny, []string{"boundary"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.set.Evaluate(startVerb, instance, Context{})
			var by []string
			for _, at := range a.By {
				by = append(by, at.Source)
			}
			if a.Verdict != tt.want {
				t.Errorf("got %v, want %v", a.Verdict, tt.want)
			}
			if diff := cmp.Diff(tt.by, by); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLayerAnswers(t *testing.T) {
	set := Set{
		Identity: statements(t, Identity, "mine", allowAll),
		Boundary: statements(t, Boundary, "bound", allowS3),
		SCP:      [][]Statement{statements(t, SCP, "root", allowAll), statements(t, SCP, "ou", allowAll+","+denySSM)},
		RCP:      [][]Statement{{}},
		Endpoint: statements(t, Endpoint, "vpce", ifTagged),
	}
	var c Context
	c.SetUnknown("aws:PrincipalTag/*")
	got := set.Evaluate(startVerb, instance, c).Layers
	want := []LayerAnswer{
		{Layer: Identity, Verdict: Allow, By: []Pos{{"mine", 0, "", 1}}},
		{Layer: Boundary, Verdict: ImplicitDeny},
		{Layer: SCP, Level: 1, Verdict: Allow, By: []Pos{{"root", 0, "", 1}}},
		{Layer: SCP, Level: 2, Verdict: ExplicitDeny, By: []Pos{{"ou", 1, "NoSSM", 1}}},
		{Layer: RCP, Level: 1, Verdict: Allow},
		{Layer: Endpoint, Verdict: Unknown},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPartialLayers(t *testing.T) {
	of := func(kind Kind, list string) []Statement { return statements(t, kind, kind.String(), list) }
	all := of(Identity, allowAll)
	tests := []struct {
		name      string
		set       Set
		want      Verdict
		dependsOn []string
	}{
		{"identity not read", Set{Partial: []Kind{Identity}}, Unknown, []string{"identity"}},
		{"identity read in part", Set{Identity: all, Partial: []Kind{Identity}}, Unknown, []string{"identity"}},
		{"a deny was read", Set{Identity: of(Identity, denySSM), Partial: []Kind{Identity}}, ExplicitDeny, nil},
		{"boundary not read", Set{Identity: all, Partial: []Kind{Boundary}}, Unknown, []string{"boundary"}},
		{"identity does not allow", Set{Partial: []Kind{Boundary, SCP}}, ImplicitDeny, nil},
		{"SCPs not read", Set{Identity: all, Partial: []Kind{SCP}}, Unknown, []string{"scp"}},
		{"SCPs read in part", Set{Identity: all, SCP: [][]Statement{of(SCP, allowAll), {}}, Partial: []Kind{SCP}}, Unknown, []string{"scp"}},
		{"RCPs not read", Set{Identity: all, Partial: []Kind{RCP}}, Unknown, []string{"rcp"}},
		{"session and endpoint not read", Set{Identity: all, Partial: []Kind{Session, Endpoint}}, Unknown, []string{"session", "endpoint"}},
		{"another layer does not allow", Set{Identity: all, Boundary: of(Boundary, allowS3), Partial: []Kind{SCP}}, ImplicitDeny, nil},
		{"key and layer", Set{Identity: of(Identity, ifTagged), Partial: []Kind{SCP}}, Unknown, []string{"aws:PrincipalTag/team", "scp"}},
		{"key of no consequence", Set{Identity: of(Identity, allowAll+","+ifTagged), Partial: []Kind{SCP}}, Unknown, []string{"scp"}},
		{"root", Set{Root: true, Partial: []Kind{SCP}}, Unknown, []string{"scp"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Context
			c.SetUnknown("aws:PrincipalTag/*")
			a := tt.set.Evaluate(startVerb, instance, c)
			if a.Verdict != tt.want {
				t.Errorf("got %v, want %v", a.Verdict, tt.want)
			}
			if diff := cmp.Diff(tt.dependsOn, a.DependsOn); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEndpointPrincipal(t *testing.T) {
	statement := func(principal string) Set {
		return Set{Root: true, Endpoint: statements(t, Endpoint, "p", `{"Effect":"Allow",`+principal+`,"Action":"*","Resource":"*"}`)}
	}
	tests := []struct {
		principal string
		want      Verdict
	}{
		{`"Principal":"*"`, Allow},
		{`"Principal":{"AWS":"*"}`, Allow},
		{`"Principal":{"AWS":"111122223333"}`, Allow},
		{`"Principal":{"AWS":["999999999999","arn:aws:iam::111122223333:root"]}`, Allow},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/Dev"}`, Allow},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/Other"}`, ImplicitDeny},
		{`"Principal":{"Service":"ssm.amazonaws.com"}`, ImplicitDeny},
		{`"NotPrincipal":{"AWS":"999999999999"}`, Allow},
		{`"NotPrincipal":{"AWS":"111122223333"}`, ImplicitDeny},
	}
	var known, unknown Context
	known.Set("aws:PrincipalArn", "arn:aws:iam::111122223333:role/Dev")
	known.Set("aws:PrincipalAccount", "111122223333")
	unknown.SetUnknown("aws:Principal*")
	for _, tt := range tests {
		set := statement(tt.principal)
		if got := set.Evaluate(startVerb, instance, known).Verdict; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.principal, got, tt.want)
		}
		if got := set.Evaluate(startVerb, instance, unknown); got.Verdict == Unknown != (len(got.DependsOn) > 0) || got.Verdict.Denies() && tt.want == Allow {
			t.Errorf("%s: got %v, which depends on %q", tt.principal, got.Verdict, got.DependsOn)
		}
	}
}

func TestEvaluatorKeepsNothing(t *testing.T) {
	wide := Set{Identity: statements(t, Identity, "wide", allowAll+","+ifTagged), Boundary: statements(t, Boundary, "bound", allowAll)}
	narrow := Set{Identity: statements(t, Identity, "narrow", denySSM)}
	var e Evaluator
	var c, u Context
	u.SetUnknown("*")
	for range 3 {
		for _, call := range []struct {
			set *Set
			c   *Context
		}{{&wide, &c}, {&narrow, &c}, {&wide, &u}, {&narrow, &u}} {
			want := call.set.Evaluate(startVerb, instance, *call.c)
			got := *e.Decide(call.set, startVerb, instance, call.c)
			if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(p []Pos) int { return len(p) })); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestAllowPathAllocatesNothing(t *testing.T) {
	set := Set{
		Identity: statements(t, Identity, "p", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/${aws:username}-*",
			"Condition":{"StringLike":{"aws:PrincipalTag/team":"${aws:username}*"},"Bool":{"aws:SecureTransport":"true"},
			"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2030-01-01"}}}`),
		SCP: [][]Statement{statements(t, SCP, "s", allowAll)},
	}
	var c Context
	c.Set("aws:username", "al")
	c.Set("aws:PrincipalTag/team", "alpha")
	c.Set("aws:SecureTransport", "true")
	c.Set("aws:MultiFactorAuthAge", "30")
	c.Set("aws:SourceIp", "10.1.2.3")
	c.Set("aws:CurrentTime", "2026-03-14T09:26:53Z")
	var e Evaluator
	arn := "arn:aws:ec2:us-east-1:111122223333:instance/al-1"
	if v := e.Decide(&set, startVerb, arn, &c).Verdict; v != Allow {
		t.Fatal(v)
	}
	if n := testing.AllocsPerRun(100, func() { e.Decide(&set, startVerb, arn, &c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNames(t *testing.T) {
	if got := Kind(9).String() + Kind(-1).String() + RCP.String(); got != "unknownunknownrcp" {
		t.Error(got)
	}
	if got := Verdict(9).String() + Allow.String(); got != "Verdict(9)allowed" {
		t.Error(got)
	}
	if Unknown.Denies() || Allow.Denies() || !ImplicitDeny.Denies() || !ExplicitDeny.Denies() {
		t.Error("Denies")
	}
	if got := (Pos{Source: `inline "ssm"`, Index: 1, Sid: "Two"}).String(); got != `inline "ssm", statement 2 (Two)` {
		t.Error(got)
	}
}

// TestVerdictAlone: the verdict without its reasons is the same.
func TestVerdictAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	var e Evaluator
	for range times(400, 100) {
		b := newBrute(t, r)
		want := b.set.Evaluate("s:A", bruteARN, b.context).Verdict
		if got := e.Verdict(&b.set, "s:A", bruteARN, &b.context); got != want {
			t.Fatalf("%v, want %v\n%s", got, want, b.text)
		}
		if full := *e.Decide(&b.set, "s:A", bruteARN, &b.context); full.Verdict != want || want == Unknown && len(full.DependsOn) == 0 {
			t.Fatalf("after it, %v that depends on %q", full.Verdict, full.DependsOn)
		}
	}
}
