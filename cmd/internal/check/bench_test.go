package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// unstatedKeys are ten keys that nobody knows who does not state them.
var unstatedKeys = map[string]string{
	"aws:SourceVpc": "vpc-1", "aws:SourceVpce": "vpce-1", "aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:ResourceOrgID": "o-a1b2c3d4e5",
	"aws:PrincipalTag/team": "web", "aws:PrincipalTag/stage": "dev", "aws:SourceIdentity": "alice", "aws:UserAgent": "aws-cli",
	"ssm:resourceTag/team": "web", "aws:MultiFactorAuthPresent": "true",
}

// BenchmarkStated checks a policy of 6,144 characters that asks for ten keys, which are
// stated or not: what is not known is to cost no more than a few times what is.
func BenchmarkStated(b *testing.B) {
	for _, action := range []string{"ssm:StartSession", "ssm:*"} {
		b.Run(action, func(b *testing.B) { benchmarkStated(b, action) })
	}
}

func benchmarkStated(b *testing.B, action string) {
	var list []string
	keys := slices.Sorted(maps.Keys(unstatedKeys))
	size := 40
	for i := 0; size < 6144-220; i++ {
		s := fmt.Sprintf(`{"Effect":"Allow","Action":["ssm:Get*","ec2:Describe%d"],"Resource":"arn:aws:ssm:*:111122223333:parameter/app%d/*"}`, i, i)
		if i < len(keys) {
			s = fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":"*","Condition":{%q:{%q:%q}}}`,
				[]string{"Allow", "Deny"}[i%2], action, []string{"StringEquals", "StringNotEquals"}[i%2], keys[i], unstatedKeys[keys[i]])
		}
		list = append(list, s)
		size += len(s) + 1
	}
	doc, err := policy.Parse(policy.Identity, "p.json", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`))
	if err != nil {
		b.Fatal(err)
	}
	for _, stated := range []bool{true, false} {
		b.Run(fmt.Sprintf("stated %v", stated), func(b *testing.B) {
			o := fileOptions{Principal: devSession}
			if stated {
				o.Context = make(map[string][]string)
				for key, value := range unstatedKeys {
					o.Context[key] = []string{value}
				}
			}
			for b.Loop() {
				var reading policyfile.Reading
				reading.Add(policy.Identity, doc.Statements)
				d, err := o.decide(b.Context(), reading, guard.Request{Region: "us-east-1", Target: "i-0123456789abcdef0"})
				if want := map[bool]policy.Verdict{true: policy.Allow, false: policy.Unknown}[stated]; err != nil || d.Verdict() != want {
					b.Fatalf("%v, want %v: %v", d.Verdict(), want, err)
				}
			}
		})
	}
}
