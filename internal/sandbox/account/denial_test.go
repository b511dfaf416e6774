package account

import (
	"strings"
	"testing"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// Every layer that can deny, by name; the first in AWS's order is named.
func TestDenialNamesTheLayer(t *testing.T) {
	everything, nothing := allow("*", "*"), allow("s3:*", "*")
	organization := func(scp, rcp string) *world.Organization {
		l := world.Level{ID: "r-1", SCPs: []world.Policy{{Name: "scp", Document: scp}}}
		if rcp != "" {
			l.RCPs = []world.Policy{{Name: "rcp", Document: rcp}}
		}
		return &world.Organization{ID: "o-1", ManagementAccount: "999988887777", Levels: []world.Level{l}}
	}
	for _, test := range []struct {
		name   string
		change func(*world.World)
		want   string
	}{
		{"no grant", func(w *world.World) { w.Users[0].Inline = nil }, "because no identity-based policy allows the ssm:StartSession action"},
		{"deny", func(w *world.World) { w.Users[0].Inline[0].Document = deny("*", "*") }, "with an explicit deny in an identity-based policy"},
		{"SCP", func(w *world.World) { w.Organization = organization(nothing, "") }, "because no service control policy allows the ssm:StartSession action"},
		{"SCP deny", func(w *world.World) { w.Organization = organization(deny("ssm:*", "*"), "") }, "with an explicit deny in a service control policy"},
		{"SCP and identity deny", func(w *world.World) {
			w.Organization = organization(deny("ssm:*", "*"), "")
			w.Users[0].Inline[0].Document = deny("*", "*")
		}, "with an explicit deny in a service control policy"},
		{"boundary", func(w *world.World) {
			w.Policies, w.Users[0].Boundary = []world.Policy{{Name: "limit", Document: nothing}}, "limit"
		}, "because no permissions boundary allows the ssm:StartSession action"},
		{"boundary deny", func(w *world.World) {
			w.Policies, w.Users[0].Boundary = []world.Policy{{Name: "limit", Document: deny("ssm:*", "*")}}, "limit"
		}, "with an explicit deny in a permissions boundary"},
		{"endpoint", func(w *world.World) {
			w.Endpoint = &world.Policy{Name: "vpce", Document: strings.Replace(nothing, `"Effect"`, `"Principal":"*","Effect"`, 1)}
		}, "because no VPC endpoint policy allows the ssm:StartSession action"},
		{"endpoint deny", func(w *world.World) {
			w.Endpoint = &world.Policy{Name: "vpce", Document: strings.Replace(deny("*", "*"), `"Effect"`, `"Principal":"*","Effect"`, 1)}
		}, "with an explicit deny in a VPC endpoint policy"},
		{"session policy", func(w *world.World) {
			w.Roles = []world.Role{{Principal: world.Principal{Name: "dev", Inline: []world.Policy{{Name: "p", Document: everything}}}}}
			w.Logins = []world.Login{{Name: "dev", Principal: "role/dev", Policies: []string{nothing}}}
		}, "because no session policy allows the ssm:StartSession action"},
		{"RCP does not reach Systems Manager", func(w *world.World) {
			w.Organization = organization(everything, strings.Replace(deny("*", "*"), `"Effect"`, `"Principal":"*","Effect"`, 1))
			w.Users[0].Inline = nil
		}, "because no identity-based policy allows the ssm:StartSession action"},
	} {
		w := sessionWorld(everything)
		test.change(&w)
		_, c := open(t, w, api.Options{Channels: &ready{}})
		f := c.post(nil, "ssm", "StartSession", map[string]string{"Target": "i-0123456789abcdef0"})
		if f.Code != "AccessDeniedException" || f.Status != 400 || !strings.HasSuffix(f.Message, test.want) {
			t.Errorf("%s: %+v, want %s", test.name, f, test.want)
		}
	}
}

// sessionWorld is a user with policies and an instance that is online.
func sessionWorld(documents ...string) world.World {
	w := userWith(documents...)
	w.Nodes = []world.Node{{ID: "i-0123456789abcdef0", Ping: pingOnline, Agent: "3.3.0.0", Tags: map[string]string{"Name": "bastion"}}}
	return w
}

// The forms AWS's denials have had over the years.
func TestDenialStyles(t *testing.T) {
	const who = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ssm:StartSession"
	const on = "on resource: arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
	for _, test := range []struct {
		style world.DenialStyle
		want  string
	}{
		{world.DenialStyle{}, who + " " + on + " with an explicit deny in an identity-based policy"},
		{world.DenialStyle{PolicyARN: true}, who + " " + on + " with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/NoShell"},
		{world.DenialStyle{Newlines: true}, who + "\n" + on + "\nwith an explicit deny in an identity-based policy"},
		{world.DenialStyle{Plain: true}, who + " " + on},
	} {
		w := sessionWorld(allow("*", "*"))
		w.Policies = []world.Policy{{Name: "NoShell", Document: deny("ssm:StartSession", "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell")}}
		w.Users[0].Attached, w.Denials = []string{"NoShell"}, test.style
		_, c := open(t, w, api.Options{})
		if f := c.post(nil, "ssm", "StartSession", map[string]string{"Target": "i-0123456789abcdef0"}); f.Message != test.want {
			t.Errorf("%+v: %s", test.style, f.Message)
		}
	}
}

// When both grants are missing one is named; the seed decides which.
func TestDenialOfBothGrants(t *testing.T) {
	named := make(map[string]int)
	for seed := range uint64(20) {
		w := sessionWorld()
		w.Seed = seed
		_, c := open(t, w, api.Options{})
		f := c.post(nil, "ssm", "StartSession", map[string]string{"Target": "i-0123456789abcdef0"})
		_, c = open(t, w, api.Options{})
		if again := c.post(nil, "ssm", "StartSession", map[string]string{"Target": "i-0123456789abcdef0"}); again != f {
			t.Errorf("seed %d: %v, then %v", seed, f, again)
		}
		named[f.Message]++
	}
	if len(named) != 2 {
		t.Errorf("messages: %v", named)
	}
}

// Policies above the caller's own change at run time, too.
func TestOuterPoliciesChange(t *testing.T) {
	w := sessionWorld(allow("*", "*"))
	w.Organization = &world.Organization{ID: "o-1", ManagementAccount: "999988887777", Levels: []world.Level{{ID: "r-1", SCPs: []world.Policy{{Name: "scp", Document: allow("*", "*")}}}}}
	s, c := open(t, w, api.Options{Channels: &ready{}})
	expect := func(want string) {
		t.Helper()
		if f := c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"}); want == "" && f.Code != "" || !strings.Contains(f.Message, want) {
			t.Errorf("%+v, want %q", f, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("")
	must(putSCP(s, 0, world.Policy{Name: "scp", Document: allow("iam:*", "*")}))
	expect("because no service control policy allows")
	must(putSCP(s, 0, world.Policy{Name: "more", Document: allow("ssm:*", "*")}))
	expect("")
	nothing := strings.Replace(allow("s3:*", "*"), `"Effect"`, `"Principal":"*","Effect"`, 1)
	must(putEndpoint(s, &world.Policy{Name: "vpce", Document: nothing}))
	expect("because no VPC endpoint policy allows")
	must(putEndpoint(s, nil))
	expect("")
	if putSCP(s, 1, world.Policy{Name: "scp", Document: allow("*", "*")}) == nil || putSCP(s, 0, world.Policy{Name: "scp", Document: "{}"}) == nil || putEndpoint(s, &world.Policy{Document: "{}"}) == nil {
		t.Error("a change that cannot be was accepted")
	}
	if w.Organization.Levels[0].SCPs[0].Document != allow("*", "*") || len(w.Organization.Levels[0].SCPs) != 1 {
		t.Error("the caller's world changed, too")
	}
}

// Every call takes the world's delay.
func TestWorldDelay(t *testing.T) {
	w := userWith()
	w.Delay = 20 * time.Millisecond
	_, c := open(t, w, api.Options{})
	began := time.Now()
	if f := c.ask(nil, "sts", "GetCallerIdentity"); f.Code != "" {
		t.Error(f)
	}
	if took := time.Since(began); took < w.Delay {
		t.Errorf("answered after %v", took)
	}
}
