package who

import (
	"bytes"
	"testing"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/memtest"
)

// FuzzAccount: whatever the files of an account have in them, what is read is decided about, each
// request once, and nobody of whom something was not read is said to be without it.
func FuzzAccount(f *testing.F) {
	const all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	const nodes = `{"Reservations":[{"Instances":[{"InstanceId":"i-00000001","Placement":{"AvailabilityZone":"eu-west-1a"},"Tags":[{"Key":"a","Value":"b"}]}]}],"NextToken":null}{"InstanceInformationList":[{"InstanceId":"mi-1"}]}`
	for _, account := range []string{
		`{"UserDetailList":[{"UserName":"ann","Arn":"arn:aws:iam::111122223333:user/ann","UserPolicyList":[{"PolicyName":"p","PolicyDocument":` + all + `}],"GroupList":["g","gone"],"Tags":[{"Key":"a","Value":"b"}]}],` +
			`"GroupDetailList":[{"GroupName":"g","Arn":"arn:aws:iam::111122223333:group/g","AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/X"}]}],"Policies":[]}`,
		`{"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/aws-service-role/r","AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":"*","NotAction":"x"}},"PermissionsBoundary":{"PermissionsBoundaryArn":"arn:b"}}],` +
			`"Policies":[{"Arn":"arn:b","DefaultVersionId":"v1","PolicyVersionList":[{"VersionId":"v1","Document":"%7B%7D"}]}],"IsTruncated":true}`,
		`{"UserDetailList":null}{"RoleDetailList":[7,{"RoleName":{}}]}`, "\xff\xfe{\x00}\x00", `[`, ``,
	} {
		f.Add([]byte(account), []byte(nodes), []byte(`{"DocumentIdentifiers":[{"Name":"Corp","Owner":"111122223333","DocumentType":"Session","Tags":[]}]}`))
	}
	f.Fuzz(func(t *testing.T, account, instances, documents []byte) {
		if len(account)+len(instances)+len(documents) > 1<<14 {
			return
		}
		defer memtest.Bounded(t, 1<<12+len(account)+len(instances)+len(documents))()
		r, v := newRoll(), newInventory()
		_, accountErr := (output{"aws", r.lists()}).read("account", bytes.NewReader(account))
		_, nodesErr := (output{"aws", v.nodeLists("")}).read("instances", bytes.NewReader(instances))
		_, documentsErr := (output{"aws", v.documentLists()}).read("documents", bytes.NewReader(documents))
		for _, err := range []error{accountErr, nodesErr, documentsErr} {
			if err != nil && err.Error() == "" {
				t.Error("an error that says nothing")
			}
		}
		a := &reach.Account{Documents: []reach.Document{{}}, At: time.Unix(1_790_000_000, 0)}
		for _, p := range r.principals() {
			if guard.ArnField(p.Caller.Principal, guard.FieldAccount) == "" {
				t.Errorf("somebody of no account: %+v", p.Caller)
			}
			if (len(p.unread) == 0) != (len(p.Partial) == 0) {
				t.Errorf("%q was not read, and %v is in part", p.unread, p.Partial)
			}
			a.Principals = append(a.Principals, p.Principal)
		}
		if len(a.Principals) > 4 {
			a.Principals = a.Principals[:4]
		}
		for _, n := range v.nodes[:min(4, len(v.nodes))] {
			a.Targets = append(a.Targets, n.Target)
		}
		seen := 0
		if err := a.Decide(func(g reach.Group) error {
			for _, b := range g.Blocks {
				for _, target := range b.Targets {
					for _, document := range b.Documents {
						seen += len(g.Principals) * len(target.Items) * len(document.Items)
						if target.Answer.Verdict == policy.Unknown && len(target.Answer.Open) == 0 {
							t.Error("undecided, and nothing says on what it turns")
						}
					}
				}
			}
			return nil
		}); err != nil || seen != len(a.Principals)*len(a.Targets) {
			t.Errorf("%d answers to %d requests, %v", seen, len(a.Principals)*len(a.Targets), err)
		}
	})
}
