package policy

import (
	"fmt"
	"strings"
	"testing"
)

// What these give is recorded in doc.go, section Speed.

// benchSet is a set of n statements of which the last allows.
func benchSet(tb testing.TB, n int) (Set, Context) {
	var list []string
	for i := range n - 1 {
		list = append(list, fmt.Sprintf(`{"Effect":%q,"Action":["ssm:Get*","ec2:Describe%d"],"Resource":["arn:aws:ssm:*:111122223333:parameter/app%d/*","arn:aws:ec2:*:*:instance/i-%d"],
			"Condition":{"StringEquals":{"aws:PrincipalTag/team":"t%d"}}}`, []string{"Allow", "Deny"}[i%2], i, i, i, i))
	}
	list = append(list, `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringLike":{"ssm:resourceTag/Name":"web-*"}}}`)
	var c Context
	for _, key := range []string{"aws:userid", "aws:username", "aws:PrincipalArn", "aws:PrincipalTag/team", "aws:SourceIp", "aws:RequestedRegion"} {
		c.Set(key, "some value")
	}
	c.Set("ssm:resourceTag/Name", "web-1")
	return Set{Identity: statements(tb, Identity, "p", strings.Join(list, ","))}, c
}

func BenchmarkEvaluate(b *testing.B) {
	for _, size := range []struct {
		name       string
		statements int
	}{{"ten statements", 10}, {"managed policy of 6144 characters", 25}, {"1000 statements", 1000}} {
		b.Run(size.name, func(b *testing.B) {
			set, c := benchSet(b, size.statements)
			var e Evaluator
			b.ReportAllocs()
			for b.Loop() {
				if e.Decide(&set, startVerb, instance, &c).Verdict != Allow {
					b.Fatal("denied")
				}
			}
		})
	}
}

func BenchmarkEvaluateUnknown(b *testing.B) {
	set, c := benchSet(b, 10)
	c.SetUnknown("ssm:resourceTag/Name")
	for b.Loop() {
		if set.Evaluate(startVerb, instance, c).Verdict != Unknown {
			b.Fatal("known")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	set, _ := benchSet(b, 25)
	text, err := (&Document{Version: version2012, Statements: set.Identity}).MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Identity, "p", text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWildcards matches patterns made to be slow against an ARN of 2048
// characters.
func BenchmarkWildcards(b *testing.B) {
	head := "arn:aws:s3:::"
	long := head + strings.Repeat("a", 2048-len(head))
	for _, p := range []struct{ name, pattern string }{
		{"64 stars", head + strings.Repeat("a*", 64) + "b"},
		{"64 stars and pieces", head + strings.Repeat("*aaaaaaaaaaaaaaab", 64)},
		{"64 stars and marks", head + strings.Repeat("*a?a", 64) + "b"},
		{"one long piece", head + "*" + strings.Repeat("a", 1000) + "b*"},
		{"one long piece with a mark", head + "*" + strings.Repeat("a", 1000) + "?b*"},
		{"stars in every segment", "arn:*:s3:*:*:*a*b"},
	} {
		b.Run(p.name, func(b *testing.B) {
			r := compileResource(p.pattern, Identity)
			var c Context
			for b.Loop() {
				if r.matches(long, len(head), &c) != no {
					b.Fatal("matches")
				}
			}
		})
	}
}
