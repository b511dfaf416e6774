package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe puts what one near miss says into a line.
func describe(u Unmet) string {
	s := fmt.Sprintf("%s#%d %s", u.At.Source, u.At.Index, u.Operator)
	for _, part := range []string{u.Key, u.Segment} {
		if part != "" {
			s += " " + part
		}
	}
	s += fmt.Sprintf(" want %s got %s", strings.Join(u.Want, "|"), strings.Join(u.Got, "|"))
	if u.Absent {
		s += " absent"
	}
	if u.Unknown {
		s += " unknown"
	}
	return s
}

func TestNearMisses(t *testing.T) {
	const document = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
	tests := []struct {
		name, statements string
		want             []string
	}{
		{"a tag that cannot hold", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`,
			[]string{"p#0 StringEquals ssm:resourceTag/Name want bastion got  absent"}},
		{"a value that differs", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringLike":{"aws:username":["${k:team}-*","${k:none}"]},"Bool":{"k:mfa":"true"}}}`,
			[]string{"p#0 StringLike aws:username want red-*|${k:none} got alice", "p#0 Bool k:mfa want true got  unknown"}},
		{"an account too many", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:us-east-1:111122223333:document/AWS-StartSSHSession"]}`,
			[]string{"p#0 Resource account want arn:aws:ssm:us-east-1:111122223333:document/AWS-StartSSHSession|arn:aws:ec2:*:*:instance/* got " + document}},
		{"another type", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:us-east-1::session/x"}`,
			[]string{"p#0 Resource type want arn:aws:ssm:us-east-1::session/x got " + document}},
		{"another name", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:us-east-1::document/Other"}`,
			[]string{"p#0 Resource resource want arn:aws:ssm:us-east-1::document/Other got " + document}},
		{"a short ARN", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:us-west-2"}`,
			[]string{"p#0 Resource region want arn:aws:ssm:us-west-2 got " + document}},
		{"a variable without value", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:us-east-1::document/${k:none}-*"}`,
			[]string{"p#0 Resource k:none resource want arn:aws:ssm:us-east-1::document/${k:none}-* got " + document + " absent"}},
		{"a variable not known", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:us-east-1::document/${k:mfa, 'x'}${*}*"}`,
			[]string{"p#0 Resource k:mfa resource want arn:aws:ssm:us-east-1::document/${k:mfa, 'x'}${*}* got " + document + " unknown"}},
		{"an excluded resource", `{"Effect":"Allow","Action":"ssm:StartSession","NotResource":"*"}`, []string{"p#0 NotResource want * got " + document}},
		{"an excluded action", `{"Effect":"Allow","NotAction":"ssm:*","Resource":"*"}`, []string{"p#0 NotAction want ssm:* got ssm:StartSession"}},
		{"another action of the service", `{"Effect":"Allow","Action":["ssm:GetDocument","s3:*"],"Resource":"*"}`,
			[]string{"p#0 Action want ssm:GetDocument|s3:* got ssm:StartSession"}},
		{"another service", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, nil},
		{"the closest first", `{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"*"},
			{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"Bool":{"k:mfa":"true"}}},
			{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob"}}},
			{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/*","Condition":{"StringEquals":{"aws:username":"bob"}}}`,
			[]string{"p#1 Bool k:mfa want true got  unknown", "p#3 StringEquals aws:username want bob got alice", "p#0 Action want ssm:GetDocument got ssm:StartSession"}},
	}
	var c Context
	c.Set("aws:username", "alice")
	c.Set("k:team", "red")
	c.SetUnknown("k:mfa")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := Set{Identity: statements(t, Identity, "p", tt.statements)}
			var got []string
			for _, u := range set.Evaluate(startVerb, document, c).Missing {
				got = append(got, describe(u))
				if u.Layer != "identity" || u.Level != 0 {
					t.Errorf("layer %q %d", u.Layer, u.Level)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNearMissOfVersion(t *testing.T) {
	d, err := Parse(Identity, "p", []byte(`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var c Context
	c.Set("aws:username", "alice")
	a := Set{Identity: d.Statements}.Evaluate("ssm:TerminateSession", "arn:aws:ssm:us-east-1:111122223333:session/alice-1", c)
	if a.Verdict != ImplicitDeny || len(a.Missing) != 1 || describe(a.Missing[0]) != "p#0 Version want 2012-10-17 got 2008-10-17" {
		t.Errorf("%v %v", a.Verdict, a.Missing)
	}
}

func TestNearMissesComeFromTheLayerThatRefuses(t *testing.T) {
	set := Set{
		Identity: statements(t, Identity, "identity", allowAll),
		Boundary: statements(t, Boundary, "boundary", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:volume/*"}`),
		SCP:      [][]Statement{statements(t, SCP, "root", allowAll), statements(t, SCP, "ou", ifTagged)},
		Endpoint: statements(t, Endpoint, "vpce", `{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"*","Resource":"*"}`),
	}
	var got []string
	for _, u := range set.Evaluate(startVerb, instance, Context{}).Missing {
		got = append(got, fmt.Sprintf("%s %d: %s", u.Layer, u.Level, describe(u)))
	}
	want := []string{
		"scp 2: ou#0 StringEquals aws:PrincipalTag/team want a got  absent",
		"endpoint 0: vpce#0 Principal want 999999999999 got ",
		"boundary 0: boundary#0 Resource type want arn:aws:ec2:*:*:volume/* got " + instance,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	star := Set{Identity: statements(t, Identity, "identity", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ssm:*"}`)}
	if m := star.Evaluate("ssm:DescribeSessions", "*", Context{}).Missing; len(m) != 1 || m[0].Segment != "" {
		t.Errorf("%v", m)
	}
}

func TestNearMissesAreFew(t *testing.T) {
	list := strings.Repeat(`{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"*"},`, 50)
	set := Set{Identity: statements(t, Identity, "p", strings.TrimSuffix(list, ","))}
	if m := set.Evaluate(startVerb, instance, Context{}).Missing; len(m) != nearLimit {
		t.Errorf("%d near misses", len(m))
	}
}
