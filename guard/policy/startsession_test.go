package policy

import (
	"encoding/json"
	"os"
	"testing"
)

type situation struct {
	Name     string
	Policies []struct {
		Kind, Name string
		Document   json.RawMessage
	}
	Request situationRequest
	Expect  []situationGrant
}

type situationRequest struct {
	Target     string
	TargetTags map[string]string
	Document   *string
	DocTags    map[string]string `json:"documentTags"`
	Account    string
	Principal  struct {
		Type, Arn, RoleArn, Userid, Username string
		Tags                                 map[string]string
	}
	Context map[string]any
}

type situationGrant struct {
	Grant, Action, Resource, Decision, Confidence, Why string
	DecisionIf                                         map[string]map[string]string
}

// context builds what the request is about, as the README of the cases says.
func (r situationRequest) context(g situationGrant) Context {
	var c Context
	tags := func(m map[string]string, prefixes ...string) {
		for _, p := range prefixes {
			for k, v := range m {
				c.Set(p+k, v)
			}
		}
	}
	switch g.Grant {
	case "target":
		tags(r.TargetTags, "ssm:resourceTag/", "aws:ResourceTag/")
	case "document":
		tags(r.DocTags, "ssm:resourceTag/", "aws:ResourceTag/")
	case "terminate", "resume":
		c.Set("ssm:resourceTag/aws:ssmmessages:session-id", r.Principal.Userid)
		c.Set("ssm:resourceTag/aws:ssmmessages:target-id", r.Target)
	}
	c.Set("aws:userid", r.Principal.Userid)
	if r.Principal.Username != "" {
		c.Set("aws:username", r.Principal.Username)
	}
	c.Set("aws:PrincipalType", r.Principal.Type)
	c.Set("aws:PrincipalAccount", r.Account)
	arn := r.Principal.RoleArn
	if arn == "" {
		arn = r.Principal.Arn
	}
	c.Set("aws:PrincipalArn", arn)
	tags(r.Principal.Tags, "aws:PrincipalTag/")
	for k, v := range r.Context {
		switch v := v.(type) {
		case string:
			c.Set(k, v)
		case []any:
			var values []string
			for _, x := range v {
				values = append(values, x.(string))
			}
			c.SetMulti(k, values...)
		}
	}
	return c
}

// set parses the situation's policies into their layers.
func (s situation) set(t *testing.T) Set {
	kinds := map[string]Kind{"identity": Identity, "boundary": Boundary, "session": Session, "scp": SCP, "vpce": Endpoint}
	var out Set
	for _, p := range s.Policies {
		kind, ok := kinds[p.Kind]
		if !ok {
			t.Fatalf("policy kind %q", p.Kind)
		}
		d, err := Parse(kind, p.Name, p.Document)
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case Identity:
			out.Identity = append(out.Identity, d.Statements...)
		case Boundary:
			out.Boundary = append(out.Boundary, d.Statements...)
		case Session:
			out.Session = append(out.Session, d.Statements...)
		case SCP:
			out.SCP = append(out.SCP, d.Statements)
		case Endpoint:
			out.Endpoint = append(out.Endpoint, d.Statements...)
		}
	}
	return out
}

func readSituations(t *testing.T) []situation {
	text, err := os.ReadFile("testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []situation
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 45 {
		t.Fatalf("%d situations", len(all))
	}
	return all
}

func TestStartSessionSituations(t *testing.T) {
	for _, s := range readSituations(t) {
		t.Run(s.Name, func(t *testing.T) {
			set := s.set(t)
			for _, g := range s.Expect {
				c := s.Request.context(g)
				if got := set.Evaluate(g.Action, g.Resource, c).Verdict.String(); got != g.Decision {
					t.Errorf("%s: got %s, want %s: %s", g.Grant, got, g.Decision, g.Why)
				}
				for key, states := range g.DecisionIf {
					for value, want := range states {
						c := s.Request.context(g)
						if value == "absent" {
							c.SetAbsent(key)
						} else {
							c.Set(key, value)
						}
						if got := set.Evaluate(g.Action, g.Resource, c).Verdict.String(); got != want {
							t.Errorf("%s with %s %s: got %s, want %s", g.Grant, key, value, got, want)
						}
					}
				}
			}
		})
	}
}
