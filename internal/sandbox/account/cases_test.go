package account

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// situation is one case of start-session.json.
type situation struct {
	Name     string
	Policies []struct {
		Kind, Name string
		Document   json.RawMessage
	}
	Request struct {
		Mode, Target    string
		TargetTags      map[string]string
		Document        *string
		DocumentTags    map[string]string
		Region, Account string
		Partition       string
		Principal       struct {
			Type, Arn, RoleArn, Userid, Username string
			Tags                                 map[string]string
		}
		SessionID, KmsKeyID string
		Context             map[string]string
	}
	Expect []struct {
		Grant, Action, Resource, Decision, Confidence string
	}
}

func situations(t *testing.T) []situation {
	t.Helper()
	text, err := os.ReadFile("../../../guard/policy/testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []situation
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// world stages a case as an account.
func (x situation) world(t *testing.T) world.World {
	t.Helper()
	r := x.Request
	w := world.World{Partition: r.Partition, Account: r.Account, Region: r.Region, Context: r.Context}
	p := world.Principal{Tags: r.Principal.Tags}
	org := &world.Organization{ID: "o-exampleorgid", ManagementAccount: "999988887777"}
	var session []string
	for _, policy := range x.Policies {
		named := world.Policy{Name: policy.Name, Document: string(policy.Document)}
		switch policy.Kind {
		case "identity":
			p.Inline = append(p.Inline, named)
		case "boundary":
			w.Policies, p.Boundary = append(w.Policies, named), named.Name
		case "session":
			session = append(session, named.Document)
		case "vpce":
			w.Endpoint = &named
		case "scp":
			org.Levels = append(org.Levels, world.Level{ID: "r-" + named.Name, SCPs: []world.Policy{named}})
		}
	}
	if len(org.Levels) > 0 {
		// The case's policies are all attached to one account.
		for _, l := range org.Levels[1:] {
			org.Levels[0].SCPs = append(org.Levels[0].SCPs, l.SCPs...)
		}
		org.Levels, w.Organization = org.Levels[:1], org
	}
	l := world.Login{Name: "caller", Policies: session}
	if r.Principal.Type == "User" {
		p.Name, p.ID, l.Principal = r.Principal.Username, r.Principal.Userid, "user/"+r.Principal.Username
		w.Users = []world.User{{Principal: p}}
	} else {
		_, path, _ := strings.Cut(r.Principal.RoleArn, ":role")
		i := strings.LastIndex(path, "/")
		p.Path, p.Name = path[:i+1], path[i+1:]
		p.ID, l.Session, _ = strings.Cut(r.Principal.Userid, ":")
		l.Principal = "role/" + p.Name
		w.Roles = []world.Role{{Principal: p}}
	}
	w.Logins = []world.Login{l}
	x.stage(&w)
	return w
}

// stage puts the target, the document and the key into the world.
func (x situation) stage(w *world.World) {
	r := x.Request
	if rest, ok := strings.CutPrefix(r.Target, "ecs:"); ok {
		f := strings.Split(rest, "_")
		w.Tasks = []world.Task{{Cluster: f[0], ID: f[1], Tags: r.TargetTags, Containers: []world.Container{{Name: "app", RuntimeID: f[2]}}}}
	} else {
		w.Nodes = []world.Node{{ID: r.Target, Tags: r.TargetTags, Ping: pingOnline, Agent: "3.3.0.0"}}
	}
	if r.Document != nil && !api.OwnedByAWS(*r.Document) {
		w.Documents = []world.Document{{Name: *r.Document, Tags: r.DocumentTags, Content: builtinContent}}
	}
	if i := strings.LastIndex(r.KmsKeyID, "/"); i > 0 {
		w.Keys = []world.Key{{ID: r.KmsKeyID[i+1:]}}
	}
}

// ready is a gateway that opens every session.
type ready struct{ started []api.SessionStart }

func (r *ready) Start(_ context.Context, s api.SessionStart) (string, string, error) {
	r.started = append(r.started, s)
	return "ws://127.0.0.1:1/" + s.SessionID, "token", nil
}

func (r *ready) Resume(_ context.Context, id string) (string, string, error) {
	return "ws://127.0.0.1:1/" + id, "token", nil
}

func (r *ready) Terminate(context.Context, string) error { return nil }

// parameters that the documents of the cases ask for.
var caseParameters = map[string]map[string][]string{
	"AWS-StartPortForwardingSessionToRemoteHost": {"host": {"db.internal"}},
	"AWS-StartNonInteractiveCommand":             {"command": {"true"}},
}

// TestCasesThroughStartSession stages every case as an account and starts the
// session: it opens when both grants are allowed, and a refusal names one that is not.
func TestCasesThroughStartSession(t *testing.T) {
	for _, x := range situations(t) {
		if x.Request.Mode == "terminate" {
			continue
		}
		t.Run(x.Name, func(t *testing.T) {
			_, c := open(t, x.world(t), api.Options{Channels: &ready{}})
			in := map[string]any{"Target": x.Request.Target}
			if d := x.Request.Document; d != nil {
				in["DocumentName"] = *d
				in["Parameters"] = caseParameters[*d]
			}
			f := c.post(nil, "ssm", "StartSession", in)
			var denied []string
			for _, e := range x.Expect {
				if (e.Grant == "target" || e.Grant == "document") && e.Decision != "allowed" {
					denied = append(denied, "on resource: "+e.Resource+explanation(e.Decision))
				}
			}
			if len(denied) == 0 {
				if f.Code != "" {
					t.Errorf("refused: %+v", f)
				}
				return
			}
			named := slices.ContainsFunc(denied, func(part string) bool { return strings.Contains(f.Message, part) })
			if f.Code != "AccessDeniedException" || !named {
				t.Errorf("answered %+v, want a denial that says one of %q", f, denied)
			}
		})
	}
}

func explanation(decision string) string {
	if decision == "explicitDeny" {
		return " with an explicit deny in a"
	}
	return " because no "
}

// TestCasesThroughSession covers the grants on a running session.
func TestCasesThroughSession(t *testing.T) {
	operations := map[string]string{"terminate": "TerminateSession", "resume": "ResumeSession"}
	for _, x := range situations(t) {
		for _, e := range x.Expect {
			if operations[e.Grant] == "" {
				continue
			}
			t.Run(x.Name+"/"+e.Grant, func(t *testing.T) {
				s, c := open(t, x.world(t), api.Options{Channels: &ready{}})
				s.Sessions = append(s.Sessions, &api.Session{ID: x.Request.SessionID, Target: x.Request.Target, Owner: c.keys.ARN, OwnerID: x.Request.Principal.Userid, Region: c.region})
				f := c.post(nil, "ssm", operations[e.Grant], map[string]string{"SessionId": x.Request.SessionID})
				if (f.Code == "") != (e.Decision == "allowed") || f.Code != "" && !strings.Contains(f.Message, e.Resource+explanation(e.Decision)) {
					t.Errorf("answered %+v, want %s", f, e.Decision)
				}
			})
		}
	}
}

// simulable are the cases SimulatePrincipalPolicy cannot express: it knows
// neither endpoint nor session policies.
func (x situation) simulable() bool {
	return !slices.ContainsFunc(x.Policies, func(p struct {
		Kind, Name string
		Document   json.RawMessage
	}) bool {
		return p.Kind == "vpce" || p.Kind == "session"
	})
}

// TestCasesThroughSimulator asks the simulator about each grant by itself.
func TestCasesThroughSimulator(t *testing.T) {
	for _, x := range situations(t) {
		if !x.simulable() {
			continue
		}
		t.Run(x.Name, func(t *testing.T) {
			w := x.world(t)
			w.Users = append(w.Users, world.User{Principal: world.Principal{Name: "auditor", Inline: []world.Policy{{Name: "p", Document: allow("iam:SimulatePrincipalPolicy", "*")}}}})
			w.Logins = []world.Login{{Name: "auditor", Principal: "user/auditor"}}
			w.Context = nil // the auditor's own calls are not the point
			_, c := open(t, w, api.Options{})
			for _, e := range x.Expect {
				pairs := []string{"PolicySourceArn", api.OrElse(x.Request.Principal.RoleArn, x.Request.Principal.Arn), "ActionNames.member.1", e.Action, "ResourceArns.member.1", e.Resource}
				for i, entry := range x.entries(e.Grant) {
					prefix := "ContextEntries.member." + string(rune('1'+i)) + "."
					pairs = append(pairs, prefix+"ContextKeyName", entry[0], prefix+"ContextKeyType", "string", prefix+"ContextKeyValues.member.1", entry[1])
				}
				var a simulationAnswer
				if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", pairs...); f.Code != "" {
					t.Fatalf("%s: %+v", e.Grant, f)
				}
				if n := len(a.EvaluationResults); n != 1 {
					t.Fatalf("%s: %d results", e.Grant, n)
				}
				r := a.EvaluationResults[0]
				if r.EvalDecision != e.Decision || len(r.ResourceSpecificResults) != 1 || r.ResourceSpecificResults[0].EvalResourceDecision != e.Decision || r.ResourceSpecificResults[0].EvalResourceName != e.Resource {
					t.Errorf("%s on %s: %+v, want %s", e.Grant, e.Resource, r, e.Decision)
				}
			}
		})
	}
}

// entries are the context entries of one grant, as a careful caller supplies them.
func (x situation) entries(grant string) [][2]string {
	r := x.Request
	all := [][2]string{{"aws:userid", r.Principal.Userid}, {"aws:PrincipalArn", api.OrElse(r.Principal.RoleArn, r.Principal.Arn)}}
	tags := map[string]map[string]string{"target": r.TargetTags, "document": r.DocumentTags}[grant]
	for _, k := range api.SortedKeys(tags) {
		all = append(all, [2]string{api.SSMTags + k, tags[k]}, [2]string{"aws:ResourceTag/" + k, tags[k]})
	}
	for _, k := range api.SortedKeys(r.Principal.Tags) {
		all = append(all, [2]string{"aws:PrincipalTag/" + k, r.Principal.Tags[k]})
	}
	for _, k := range api.SortedKeys(r.Context) {
		all = append(all, [2]string{k, r.Context[k]})
	}
	if grant == "terminate" || grant == "resume" {
		all = append(all, [2]string{api.SSMTags + "aws:ssmmessages:session-id", r.Principal.Userid}, [2]string{api.SSMTags + "aws:ssmmessages:target-id", r.Target})
	}
	return all
}
