package awsiam

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// publicCase is one situation of start-session.json.
type publicCase struct {
	Name     string
	Policies []struct {
		Kind, Name string
		Document   json.RawMessage
	}
	Request struct {
		Target                   string
		TargetTags, DocumentTags map[string]string
		Document                 *string
		Partition                string
		Region, Account          string
		Principal                struct {
			Type, Arn, RoleArn, Userid, Username string
			Tags                                 map[string]string
		}
		Context map[string]string
	}
	Expect []struct {
		Grant, Action, Resource, Decision string
	}
}

// inexpressible says why the simulator cannot be asked about a case, "" when it
// can: it has no input for session and endpoint policies, and takes no
// federated users.
func (x publicCase) inexpressible() string {
	for _, p := range x.Policies {
		if p.Kind == "session" || p.Kind == "vpce" {
			return "a policy of kind " + p.Kind
		}
	}
	if t := x.Request.Principal.Type; t != "User" && t != "AssumedRole" {
		return "a caller of type " + t
	}
	return ""
}

// world stages the case, with a second role that may use the simulator.
func (x publicCase) world() world.World {
	r := x.Request
	w := world.World{Partition: r.Partition, Account: r.Account, Region: r.Region}
	name, path := entityName(x.principalARN())
	p := world.Principal{Name: name, Path: path, Tags: r.Principal.Tags}
	for _, pol := range x.Policies {
		named := world.Policy{Name: pol.Name, Document: string(pol.Document)}
		switch pol.Kind {
		case "identity":
			p.Inline = append(p.Inline, named)
		case "boundary":
			w.Policies, p.Boundary = append(w.Policies, named), named.Name
		case "scp":
			if w.Organization == nil {
				w.Organization = &world.Organization{ID: "o-exampleorgid", ManagementAccount: "999988887777", Levels: []world.Level{{ID: "r-abcd"}}}
			}
			w.Organization.Levels[0].SCPs = append(w.Organization.Levels[0].SCPs, named)
		}
	}
	if strings.Contains(x.principalARN(), ":user/") {
		w.Users = []world.User{{Principal: p}}
	} else {
		w.Roles = []world.Role{{Principal: p}}
	}
	w.Roles = append(w.Roles, world.Role{Principal: world.Principal{Name: "checker", Inline: []world.Policy{inline("all", allowAll)}}})
	w.Logins = []world.Login{{Name: "checker", Principal: "role/checker"}}
	return w
}

func (x publicCase) principalARN() string {
	if x.Request.Principal.RoleArn != "" {
		return x.Request.Principal.RoleArn
	}
	return x.Request.Principal.Arn
}

// entityName splits arn:aws:iam::ACCOUNT:role/PATH/NAME.
func entityName(arn string) (name, path string) {
	_, rest, _ := strings.Cut(arn, "/")
	i := strings.LastIndex(rest, "/")
	return rest[i+1:], "/" + rest[:i+1]
}

// grants are the case's grants, with the context its description gives them.
func (x publicCase) grants() []guard.Grant {
	r, p := x.Request, x.Request.Principal
	tags := map[string]map[string]string{
		"target": r.TargetTags, "document": r.DocumentTags,
		"terminate": {"aws:ssmmessages:session-id": p.Userid, "aws:ssmmessages:target-id": r.Target},
	}
	tags["resume"] = tags["terminate"]
	var gs []guard.Grant
	for _, e := range x.Expect {
		g := guard.Grant{ID: e.Grant, Action: e.Action, Resource: e.Resource}
		for k, v := range tags[e.Grant] {
			g.Context.Set("ssm:resourceTag/"+k, v)
			if e.Grant == "target" || e.Grant == "document" {
				g.Context.Set("aws:ResourceTag/"+k, v)
			}
		}
		g.Context.Set("aws:userid", p.Userid)
		g.Context.Set("aws:PrincipalAccount", r.Account)
		g.Context.Set("aws:PrincipalArn", x.principalARN())
		if p.Username != "" {
			g.Context.Set("aws:username", p.Username)
		}
		for k, v := range p.Tags {
			g.Context.Set("aws:PrincipalTag/"+k, v)
		}
		for k, v := range r.Context {
			g.Context.Set(k, v)
		}
		gs = append(gs, g)
	}
	return gs
}

// TestPublicCases puts the public cases before IAM's judge.
func TestPublicCases(t *testing.T) {
	text, err := os.ReadFile("../policy/testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []publicCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, x := range cases {
		t.Run(x.Name, func(t *testing.T) {
			if why := x.inexpressible(); why != "" {
				t.Skip("the simulator cannot be given " + why)
			}
			c, _ := serve(t, x.world(), Options{})
			caller := guard.Caller{SessionARN: x.Request.Principal.Arn, Principal: x.principalARN(), Account: x.Request.Account}
			rulings, err := c.Simulate(t.Context(), caller, x.grants())
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range x.Expect {
				a := rulings[i].Answer
				judged++
				// An own key's policy, which the simulator is not given, may allow as well.
				unproven := []string(nil)
				if strings.HasPrefix(e.Action, "kms:") && a.Verdict == policy.ImplicitDeny {
					unproven = []string{"resource policy"}
				}
				if a.Verdict.String() != e.Decision || !slices.Equal(a.DependsOn, unproven) {
					t.Errorf("%s %s: %v %v, want %s", e.Grant, e.Resource, a.Verdict, a.DependsOn, e.Decision)
				}
			}
		})
	}
	if judged < 100 {
		t.Errorf("%d grants judged", judged)
	}
}
