package account

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	Policies []casePolicy
	Request  struct {
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
	Expect []caseDecision
}

type casePolicy struct {
	Kind, Name string
	Document   json.RawMessage
}

type caseDecision struct{ Grant, Action, Resource, Decision, Confidence string }

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

// fieldSituations are the policies that people published, each as the only policy of
// whoever used it.
func fieldSituations(t *testing.T) []situation {
	t.Helper()
	text, err := os.ReadFile("../../../cmd/internal/check/testdata/field-policies.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []situation
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); {
		var c struct {
			ID      string
			Request struct {
				Principal, Region, Target, Document string
				TargetTags, Context                 map[string]string
			}
			Policy json.RawMessage
			Expect struct{ Denied []string }
		}
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		all = append(all, situation{Name: c.ID})
		x := &all[len(all)-1]
		x.Policies = append(x.Policies, casePolicy{"identity", "field", c.Policy})
		f := strings.SplitN(c.Request.Principal, ":", 6)
		r := &x.Request
		r.Mode, r.Target, r.TargetTags, r.Context, r.Region = "start", c.Request.Target, c.Request.TargetTags, c.Request.Context, c.Request.Region
		r.Partition, r.Account = f[1], f[4]
		document := defaultDocument
		if c.Request.Document != "" {
			document, r.Document = c.Request.Document, &c.Request.Document
		}
		p := &r.Principal
		p.Arn = c.Request.Principal
		kind, name, _ := strings.Cut(f[5], "/")
		if kind == "user" {
			p.Type, p.Username, p.Userid = "User", name, "AIDAEXAMPLEUSER000001"
		} else {
			role, session, _ := strings.Cut(name, "/")
			p.Type, p.RoleArn, p.Userid = "AssumedRole", "arn:"+f[1]+":iam::"+f[4]+":role/"+role, "AROAEXAMPLEROLE000001:"+session
		}
		for key, value := range c.Request.Context {
			if tag, ok := strings.CutPrefix(key, "aws:PrincipalTag/"); ok {
				p.Tags = map[string]string{tag: value}
			}
		}
		owner := r.Account
		if api.OwnedByAWS(document) {
			owner = ""
		}
		for grant, resource := range map[string]string{
			"target":   "arn:" + f[1] + ":ec2:" + r.Region + ":" + r.Account + ":instance/" + r.Target,
			"document": "arn:" + f[1] + ":ssm:" + r.Region + ":" + owner + ":document/" + document,
		} {
			decision := "allowed"
			if slices.Contains(c.Expect.Denied, "start/"+grant) {
				decision = "implicitDeny" // no policy of the file denies explicitly what its case asks for
			}
			x.Expect = append(x.Expect, caseDecision{grant, "ssm:StartSession", resource, decision, ""})
		}
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
	return !slices.ContainsFunc(x.Policies, func(p casePolicy) bool { return p.Kind == "vpce" || p.Kind == "session" })
}

// TestCasesThroughSimulator asks the simulator about each grant by itself.
func TestCasesThroughSimulator(t *testing.T) {
	for _, x := range situations(t) {
		if !x.simulable() {
			continue
		}
		t.Run(x.Name, func(t *testing.T) {
			w := x.world(t)
			withAuditor(&w)
			w.Context = nil // the auditor's own calls are not the point
			s, c := open(t, w, api.Options{})
			c = c.as(s.Logins()[len(s.Logins())-1])
			for _, e := range x.Expect {
				if got := x.simulated(c, e, nil); got != e.Decision {
					t.Errorf("%s on %s: %s, want %s", e.Grant, e.Resource, got, e.Decision)
				}
			}
		})
	}
}

// withAuditor adds somebody who may ask the simulator, as the last login.
func withAuditor(w *world.World) {
	w.Users = append(w.Users, world.User{Principal: world.Principal{Name: "auditor", Inline: []world.Policy{{Name: "p", Document: allow("iam:SimulatePrincipalPolicy", "*")}}}})
	w.Logins = append(w.Logins, world.Login{Name: "auditor", Principal: "user/auditor"})
}

// simulated asks the simulator about one grant by itself, for a request that carries
// more keys than the case says.
func (x situation) simulated(c *client, e caseDecision, more map[string]string) string {
	c.t.Helper()
	pairs := []string{"PolicySourceArn", api.OrElse(x.Request.Principal.RoleArn, x.Request.Principal.Arn), "ActionNames.member.1", e.Action, "ResourceArns.member.1", e.Resource}
	entries := x.entries(e.Grant)
	for _, key := range api.SortedKeys(more) {
		entries = slices.DeleteFunc(entries, func(have [2]string) bool { return strings.EqualFold(have[0], key) })
		entries = append(entries, [2]string{key, more[key]})
	}
	for i, entry := range entries {
		prefix := fmt.Sprintf("ContextEntries.member.%d.", i+1)
		pairs = append(pairs, prefix+"ContextKeyName", entry[0], prefix+"ContextKeyType", "string", prefix+"ContextKeyValues.member.1", entry[1])
	}
	var a simulationAnswer
	if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", pairs...); f.Code != "" {
		c.t.Fatalf("%s: %+v", e.Grant, f)
	}
	if n := len(a.EvaluationResults); n != 1 {
		c.t.Fatalf("%s: %d results", e.Grant, n)
	}
	r := a.EvaluationResults[0]
	if len(r.ResourceSpecificResults) != 1 || r.ResourceSpecificResults[0].EvalResourceDecision != r.EvalDecision || r.ResourceSpecificResults[0].EvalResourceName != e.Resource {
		c.t.Errorf("%s on %s: %+v", e.Grant, e.Resource, r)
	}
	return r.EvalDecision
}

// entries are the context entries of one grant, as a careful caller supplies them.
func (x situation) entries(grant string) [][2]string {
	r := x.Request
	all := [][2]string{{"aws:RequestedRegion", r.Region}, {"aws:userid", r.Principal.Userid}, {"aws:PrincipalArn", api.OrElse(r.Principal.RoleArn, r.Principal.Arn)}}
	tags := map[string]map[string]string{"target": r.TargetTags, "document": r.DocumentTags}[grant]
	for _, k := range api.SortedKeys(tags) {
		all = append(all, [2]string{api.SSMTags + k, tags[k]}, [2]string{"aws:ResourceTag/" + k, tags[k]})
	}
	for _, k := range api.SortedKeys(r.Principal.Tags) {
		all = append(all, [2]string{"aws:PrincipalTag/" + k, r.Principal.Tags[k]})
	}
	for _, k := range api.SortedKeys(r.Context) {
		all = slices.DeleteFunc(all, func(have [2]string) bool { return have[0] == k })
		all = append(all, [2]string{k, r.Context[k]})
	}
	if grant == "terminate" || grant == "resume" {
		all = append(all, [2]string{api.SSMTags + "aws:ssmmessages:session-id", r.Principal.Userid}, [2]string{api.SSMTags + "aws:ssmmessages:target-id", r.Target})
	}
	return all
}
