package reach

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// generated is the account that .ci/who-speed asks about, in memory.
func generated(t testing.TB, roles, instances int) *Account {
	made := guardtest.Account{Roles: roles, Instances: instances}
	a := &Account{At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	sets := make(map[string]*Policy)
	for i := range roles {
		text := strings.Join(made.Statements(i), ",")
		if sets[text] == nil {
			sets[text] = parsed(t, text)
		}
		p := role("", sets[text])
		p.Caller.Principal = made.RoleARN(i)
		p.Caller.SessionARN = strings.Replace(strings.Replace(made.RoleARN(i), ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/session"
		a.Principals = append(a.Principals, p)
	}
	for i := range instances {
		a.Targets = append(a.Targets, Target{ID: made.InstanceID(i), Region: "eu-west-1", Tags: map[string]string{"team": guardtest.Team(i)}})
	}
	for _, name := range guardtest.AccountDocuments {
		a.Documents = append(a.Documents, Document{Name: name})
	}
	return a
}

// BenchmarkDecide decides the six million requests of 1,000 roles, 1,000 instances and 6 documents.
func BenchmarkDecide(b *testing.B) {
	a := generated(b, 1000, 1000)
	b.ReportAllocs()
	for b.Loop() {
		allowed := 0
		if err := a.Decide(func(g Group) error {
			for _, block := range g.Blocks {
				for _, target := range block.Targets {
					for _, document := range block.Documents {
						if Session(target.Answer.Verdict, document.Answer.Verdict) == policy.Allow {
							allowed += len(g.Principals) * len(target.Items) * len(document.Items)
						}
					}
				}
			}
			return nil
		}); err != nil || allowed == 0 {
			b.Fatalf("%d allowed, %v", allowed, err)
		}
	}
}

// owners is an account of users of whom each may open the instances that have a tag with their name.
func owners(t testing.TB, users, instances int) *Account {
	own := parsed(t, `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/owner":"${aws:username}"}}},
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`)
	a := generated(t, 0, 0)
	for i := range users {
		a.Principals = append(a.Principals, user("u"+strconv.Itoa(i), own))
	}
	for i := range instances {
		a.Targets = append(a.Targets, Target{ID: fmt.Sprintf("i-%08x", i), Region: "eu-west-1", Tags: map[string]string{"owner": "u" + strconv.Itoa(i%users)}})
	}
	return a
}

// BenchmarkOwners decides an account in which no two users are alike, and no two instances.
func BenchmarkOwners(b *testing.B) {
	a := owners(b, 1000, 1000)
	for b.Loop() {
		groups := 0
		if err := a.Decide(func(Group) error { groups++; return nil }); err != nil || groups != 1000 {
			b.Fatalf("%d groups, %v", groups, err)
		}
	}
}

// BenchmarkOneByOne decides one of these requests as if it were the only one.
func BenchmarkOneByOne(b *testing.B) {
	a := generated(b, 1000, 1000)
	set := a.Set(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r, f := a.Request(0, i%1000, i%len(a.Documents))
		for _, g := range guard.Needs(r, f) {
			if !g.Advisory {
				guard.Evaluate(set, g)
			}
		}
	}
}

// TestGeneratedAgrees: a part of the generated account is answered as asking one by one answers it,
// and what is asked of the evaluator does not grow with the roles.
func TestGeneratedAgrees(t *testing.T) {
	a := generated(t, 120, 40)
	for at, got := range cells(t, a) {
		if at[0]%40 > 1 {
			continue // has the policies of the one before it
		}
		if want := a.single(t, at); got != want {
			t.Fatalf("%v:\n got %s\nwant %s", at, got, want)
		}
	}
	few := owners(t, 12, 30)
	for at, got := range cells(t, few) {
		if want := few.single(t, at); got != want {
			t.Fatalf("%v:\n got %s\nwant %s", at, got, want)
		}
	}
	groups := func(roles int) (n int) {
		if err := generated(t, roles, 40).Decide(func(Group) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if some, many := groups(120), groups(4000); some != 3 || many > 100 {
		t.Errorf("%d groups of 120 roles, %d of 4,000", some, many)
	}
}
