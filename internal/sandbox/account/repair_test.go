package account

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
	"ssmguard/guard/repair"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// evidence is what the guard is told about a staged case: all of it.
type evidence struct {
	set   policy.Set
	facts guard.Facts
}

func (e evidence) Policies(context.Context, guard.Caller) (policy.Set, error) { return e.set, nil }

func (e evidence) Facts(context.Context, guard.Request) (guard.Facts, error) { return e.facts, nil }

// staged is a case as an account, and whoever asks in it.
type staged struct {
	*api.Server
	x      situation
	client *client
	who    *api.Caller
}

func stage(t *testing.T, x situation) *staged {
	w := x.world(t)
	if w.Context == nil {
		w.Context = make(map[string]string)
	}
	w.Nodes = append(w.Nodes, world.Node{ID: "i-0fffffffffffffff0", Ping: pingOnline, Tags: map[string]string{"Name": "neighbour"}})
	withAuditor(&w)
	s, c := open(t, w, api.Options{Channels: &ready{}})
	return &staged{s, x, c, s.Callers[c.keys.AccessKeyID]}
}

// start starts the case's session.
func (s *staged) start() failure {
	in := map[string]any{"Target": s.x.Request.Target}
	if d := s.x.Request.Document; d != nil {
		in["DocumentName"], in["Parameters"] = *d, caseParameters[*d]
	}
	return s.client.post(nil, "ssm", "StartSession", in)
}

// decide lets the guard look at the case, all policies readable.
func (s *staged) decide(t *testing.T) guard.Decision {
	t.Helper()
	p, document := s.x.Request.Principal, ""
	if s.x.Request.Document != nil {
		document = *s.x.Request.Document
	}
	r := guard.Request{
		Caller: guard.Caller{SessionARN: p.Arn, Principal: api.OrElse(p.RoleArn, p.Arn), Account: s.x.Request.Account, UserID: p.Userid, Partition: s.World.Partition, Tags: p.Tags},
		Region: s.x.Request.Region, Target: s.x.Request.Target, Document: document, Closed: true, Context: make(map[string][]string),
	}
	for k, v := range s.x.Request.Context {
		r.Context[k] = []string{v}
	}
	f := guard.Facts{TargetTags: s.x.Request.TargetTags, DocumentTags: s.x.Request.DocumentTags}
	if document != "" && !api.OwnedByAWS(document) {
		f.DocumentType, f.DocumentOwner = "Session", s.x.Request.Account
	}
	e := evidence{s.Bearing(s.who).Set(api.LayerRCP), f}
	g := guard.Guard{Inventory: e, Simulators: []guard.Simulator{guard.Local{Source: e}}}
	d, err := g.Check(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return repair.Propose(finding.Explain(d))
}

// apply makes a change of a fix in the account, in whichever layer it is.
func (s *staged) apply(c guard.Change, n int) error {
	name := fmt.Sprint("repair", n)
	if c.Kind == guard.AddStatement && c.Layer == policy.Identity {
		return s.PutInline(s.principalName(), name, document(c.Statement))
	}
	if c.Kind == guard.AddStatement && c.Layer == policy.SCP {
		return putSCP(s.Server, max(c.Level-1, 0), world.Policy{Name: name, Document: document(c.Statement)})
	}
	src, ok := s.Bearing(s.who).Source(c.At)
	if c.Kind == guard.AddStatement {
		src, ok = s.first(c.Layer)
	}
	if !ok {
		return fmt.Errorf("no policy %q in the %s layer", c.At.Source, c.Layer)
	}
	text, err := edited(src.Text, c)
	if err != nil {
		return err
	}
	return s.rewrite(src, text)
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (s *staged) principalName() string {
	if s.who.Kind == api.TypeUser {
		return "user/" + s.who.Name
	}
	return "role/" + s.who.Name
}

// first is the first policy of a layer, which an added statement goes into.
func (s *staged) first(k policy.Kind) (api.Source, bool) {
	l := map[policy.Kind]api.Layer{policy.Boundary: api.LayerBoundary, policy.Session: api.LayerSession, policy.Endpoint: api.LayerEndpoint}[k]
	all := s.Bearing(s.who).Sources
	i := slices.IndexFunc(all, func(src api.Source) bool { return src.Layer == l })
	if i < 0 {
		return api.Source{}, false
	}
	return all[i], true
}

// edited is a document with one change made to its statements; "" when none is left.
func edited(text string, c guard.Change) (string, error) {
	var doc struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return "", err
	}
	var list []json.RawMessage
	if json.Unmarshal(doc.Statement, &list) != nil {
		list = []json.RawMessage{doc.Statement}
	}
	switch c.Kind {
	case guard.AddStatement:
		list = append(list, json.RawMessage(c.Statement))
	case guard.ReplaceStatement:
		list[c.At.Index] = json.RawMessage(c.Statement)
	case guard.RemoveStatement:
		list = slices.Delete(list, c.At.Index, c.At.Index+1)
	}
	if len(list) == 0 {
		return "", nil
	}
	b, err := json.Marshal(map[string]any{"Version": api.OrElse(doc.Version, "2012-10-17"), "Statement": list})
	return string(b), err
}

// rewrite puts a new text in place of a policy in effect.
func (s *staged) rewrite(src api.Source, text string) error {
	kind, rest, _ := strings.Cut(src.Key, " ")
	switch kind {
	case "inline":
		f := strings.SplitN(rest, " ", 3)
		if text == "" {
			return dropInline(s.Server, f[0]+"/"+f[1], f[2])
		}
		return s.PutInline(f[0]+"/"+f[1], f[2], text)
	case "managed", "boundary":
		return putManaged(s.Server, world.Policy{Name: rest, Document: text})
	case "scp":
		_, name, _ := strings.Cut(rest, " ")
		return putSCP(s.Server, src.Level, world.Policy{Name: name, Document: text})
	case "session":
		i := slices.IndexFunc(s.who.Session, func(own api.Source) bool { return own.Key == src.Key })
		texts := s.sessionPolicies()
		texts[i] = text
		return s.login(s.who.MFA, texts)
	case "endpoint":
		return putEndpoint(s.Server, &world.Policy{Name: rest, Document: text})
	}
	return fmt.Errorf("a policy of kind %q cannot be changed", kind)
}

// meet gives the caller what a fix needs instead of a change.
func (s *staged) meet(needs map[string]string) error {
	for k, v := range needs {
		if k != "aws:MultiFactorAuthPresent" {
			s.World.Context[k] = v
			continue
		}
		if err := s.login(true, s.sessionPolicies()); err != nil {
			return err
		}
	}
	return nil
}

// login gives the caller other credentials, with session policies or without.
func (s *staged) login(mfa bool, policies []string) error {
	keys, err := s.Issue(world.Login{Name: "caller", Principal: s.principalName(), Session: s.who.SessionID, Temporary: true, MFA: mfa, Policies: policies})
	if err != nil {
		return err
	}
	s.client, s.who = s.client.as(keys), s.Callers[keys.AccessKeyID]
	return nil
}

func (s *staged) sessionPolicies() []string {
	var texts []string
	for _, src := range s.who.Session {
		texts = append(texts, src.Text)
	}
	return texts
}

// neighbours says of requests near the case's own whether they are allowed.
func (s *staged) neighbours() map[string]bool {
	c := &api.Request{Server: s.Server, Who: s.who, Region: s.x.Request.Region, Service: "ssm", Request: httptest.NewRequest("POST", "/", nil)}
	c.Request.RemoteAddr = "127.0.0.1:1"
	out := make(map[string]bool)
	ask := func(action string, on api.Object) { out[action+" on "+on.ARN] = c.Judge(action, on) == nil }
	ask("ssm:StartSession", api.Tagged(s.ARN("ec2", c.Region, "instance/i-0fffffffffffffff0"), map[string]string{"Name": "neighbour"}, api.SSMTags))
	ask("ssm:StartSession", api.Tagged(s.ARN("ssm", c.Region, "managed-instance/mi-0fffffffffffffff0"), nil, api.SSMTags))
	for _, name := range []string{"AWS-StartNonInteractiveCommand", "AWS-StartPortForwardingSession", "AWS-StartSSHSession", "NeighbourShell", defaultDocument} {
		if own := s.x.Request.Document; own == nil && name == defaultDocument || own != nil && *own == name {
			continue
		}
		ask("ssm:StartSession", documentObject(c, name))
	}
	for _, action := range []string{"ssm:SendCommand", "ec2:TerminateInstances", "iam:PutUserPolicy", "s3:GetObject"} {
		ask(action, api.Anything)
	}
	return out
}

// denied are the grants of a session's start that a case expects to be denied.
func (x situation) denied() []caseDecision {
	return slices.DeleteFunc(slices.Clone(x.Expect), func(e caseDecision) bool {
		return e.Grant != "target" && e.Grant != "document" || e.Decision == "allowed"
	})
}

// ways are the different repairs of what keeps a session from starting, each with all
// that one way takes.
func ways(d guard.Decision) [][]*guard.Fix {
	var all [][]*guard.Fix
	for _, f := range d.Findings {
		if f.Level != guard.Error {
			continue
		}
		n := 0
		for fix := f.Fix; fix != nil; fix = fix.Or {
			if n == len(all) {
				all = append(all, nil)
			}
			if !slices.Contains(all[n], fix) {
				all[n] = append(all[n], fix)
			}
			n++
		}
	}
	return all
}

// repair makes the changes of a way in the account. It returns the keys that the request
// has to carry, and whether the fixes say that they open more instances.
func (s *staged) repair(t *testing.T, fixes []*guard.Fix) (needs map[string]string, opensMore bool) {
	t.Helper()
	needs = make(map[string]string)
	n := 0
	for _, fix := range fixes {
		if !fix.Checked {
			t.Errorf("not checked: %+v", fix)
		}
		// What is removed goes last, so that the statements before it keep their places.
		changes := slices.Clone(fix.Changes)
		slices.SortStableFunc(changes, func(a, b guard.Change) int {
			last := func(c guard.Change) int {
				if c.Kind == guard.RemoveStatement {
					return 1000 - c.At.Index
				}
				return 0
			}
			return cmp.Compare(last(a), last(b))
		})
		for _, c := range changes {
			n++
			if err := s.apply(c, n); err != nil {
				t.Errorf("%s %s: %v", c.Kind, c.Statement, err)
			}
		}
		maps.Copy(needs, fix.Needs)
		opensMore = opensMore || strings.Contains(fix.Check, "it also allows other EC2 instances")
		if err := s.meet(fix.Needs); err != nil {
			t.Error(err)
		}
	}
	return needs, opensMore
}

// tried applies one way of repairing a case: before it the session does not start and the
// simulator denies; after it the session starts and the simulator allows. It returns what
// near requests were before and are after, if they are to be the same.
func tried(t *testing.T, x situation, way int) (before, after map[string]bool) {
	t.Helper()
	s := stage(t, x)
	d := s.decide(t)
	if !d.Verdict().Denies() {
		t.Fatalf("the guard says %v", d.Verdict())
	}
	if f := s.start(); f.Code != "AccessDeniedException" {
		t.Fatalf("before the repair: %+v", f)
	}
	auditor := s.client.as(s.Logins()[len(s.Logins())-1])
	for _, e := range x.denied() {
		if !x.simulable() {
			continue
		}
		if got := x.simulated(auditor, e, nil); got != e.Decision {
			t.Errorf("before the repair the simulator says of the %s: %s, not %s", e.Grant, got, e.Decision)
		}
	}
	before = s.neighbours()
	fixes := ways(d)[way]
	needs, opensMore := s.repair(t, fixes)
	if f := s.start(); f.Code != "" {
		t.Errorf("still refused: %+v", f)
	}
	for _, e := range x.Expect {
		if e.Grant != "target" && e.Grant != "document" || !x.simulable() {
			continue
		}
		if got := x.simulated(auditor, e, needs); got != "allowed" {
			t.Errorf("after the repair the simulator says of the %s: %s", e.Grant, got)
		}
	}
	after = s.neighbours()
	if len(needs) > 0 {
		before, after = nil, nil
	}
	for request, is := range after {
		if opensMore && is {
			before[request] = true
		}
	}
	if t.Failed() {
		for _, fix := range fixes {
			t.Logf("%+v", fix)
		}
	}
	return before, after
}

// TestRepairs applies every repair of every case that is denied; what is allowed beside it
// stays as it was, or is said to be opened.
func TestRepairs(t *testing.T) {
	field := fieldSituations(t)
	fields, count := 0, 0
	for i, x := range append(field, situations(t)...) {
		if x.Request.Mode == "terminate" || len(x.denied()) == 0 {
			continue
		}
		if i < len(field) {
			fields++
		}
		first := ways(stage(t, x).decide(t))
		if len(first) == 0 {
			t.Errorf("%s: no repair", x.Name)
		}
		for way := range first {
			count++
			t.Run(fmt.Sprint(x.Name, "/", way), func(t *testing.T) {
				before, after := tried(t, x, way)
				for request, was := range before {
					if is := after[request]; is != was {
						t.Errorf("%s: allowed was %v, is %v", request, was, is)
					}
				}
			})
		}
	}
	if fields < 8 || count < fields+20 {
		t.Errorf("%d repairs were tried, %d policies from the field are denied", count, fields)
	}
}

// TestRepairsOfRandomPolicies applies the repairs of policies in all layers that an account
// can hold.
func TestRepairsOfRandomPolicies(t *testing.T) {
	layers := make(map[policy.Kind]int)
	for seed := range uint64(150) {
		x, ok := randomSituation(t, seed)
		if !ok {
			continue
		}
		d := stage(t, x).decide(t)
		if !d.Verdict().Denies() {
			continue
		}
		for _, g := range d.Grants {
			grant := map[string]string{guard.GrantTarget: "target", guard.GrantDocument: "document"}[g.ID]
			x.Expect = append(x.Expect, caseDecision{grant, g.Action, g.Resource, d.Of(g.ID).Verdict.String(), ""})
		}
		for way, fixes := range ways(d) {
			for _, fix := range fixes {
				for _, c := range fix.Changes {
					layers[c.Layer]++
				}
			}
			t.Run(fmt.Sprint(x.Name, "/", way), func(t *testing.T) {
				if tried(t, x, way); t.Failed() {
					for _, p := range x.Policies {
						t.Logf("%s %s", p.Kind, p.Document)
					}
				}
			})
		}
	}
	for _, k := range []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.Endpoint} {
		if layers[k] < 5 {
			t.Errorf("only %d changes in the %s layer", layers[k], k)
		}
	}
}

// randomSituation is a case of random policies, without what it expects. It is not ok where
// the document belongs to another account.
func randomSituation(t *testing.T, seed uint64) (x situation, ok bool) {
	t.Helper()
	d := guardtest.NewDice(seed, 3)
	set := d.Set()
	r, facts := d.Request()
	x.Name = fmt.Sprint("random-", seed)
	kinds := map[policy.Kind]string{policy.Identity: "identity", policy.Boundary: "boundary", policy.Session: "session", policy.Endpoint: "vpce", policy.SCP: "scp"}
	for _, l := range guard.LayersOf(set) {
		var statements []string
		for i := range l.Statements {
			text, err := l.Statements[i].MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			statements = append(statements, string(text))
		}
		x.Policies = append(x.Policies, casePolicy{kinds[l.Kind], fmt.Sprint("p", len(x.Policies)), json.RawMessage(document(statements...))})
	}
	q := &x.Request
	q.Mode, q.Target, q.TargetTags, q.Region, q.Account, q.Partition = "start", r.Target, facts.TargetTags, r.Region, r.Caller.Account, "aws"
	if r.Document != "" {
		q.Document, q.DocumentTags = &r.Document, facts.DocumentTags
	}
	p := &q.Principal
	p.Arn, p.Userid = r.Caller.SessionARN, r.Caller.UserID
	if _, name, user := strings.Cut(p.Arn, ":user/"); user {
		p.Type, p.Username = "User", name
	} else {
		p.Type, p.RoleArn = "AssumedRole", r.Caller.Principal
	}
	return x, !strings.HasPrefix(r.Document, "arn:")
}
