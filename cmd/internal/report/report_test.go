package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const remoteHost = "AWS-StartPortForwardingSessionToRemoteHost"

// samples are decisions of every shape a renderer can meet; each has a golden
// file per renderer.
func samples() map[string]guard.Decision {
	caller := guard.Caller{
		SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/ann",
		Principal:  "arn:aws:iam::111122223333:role/team/dev",
		Account:    "111122223333",
	}
	request := guard.Request{Caller: caller, Region: "ap-northeast-1", Target: "i-0123456789abcdef0", Document: remoteHost}
	grants := []guard.Grant{
		{ID: "start/target", Action: "ssm:StartSession", Resource: "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0123456789abcdef0"},
		{ID: "start/document", Action: "ssm:StartSession", Resource: "arn:aws:ssm:ap-northeast-1::document/" + remoteHost},
		{ID: "terminate", Action: "ssm:TerminateSession", Resource: "arn:aws:ssm:ap-northeast-1:111122223333:session/ann-*", Advisory: true},
	}
	rule := func(verdicts ...policy.Verdict) []guard.Ruling { return rulings(grants, verdicts) }
	inline := policy.Pos{Source: `role/dev, inline "ssm"`, Index: 0, Sid: "Tagged", Line: 4}
	return map[string]guard.Decision{
		"allowed": {Request: request, Grants: grants, Rulings: rule(policy.Allow, policy.Allow, policy.Allow)},
		"unknown": {Request: request, Grants: grants, Rulings: rule(policy.Unknown, policy.Allow), Findings: []guard.Finding{{
			Code: "SG501", Level: guard.Warning, Summary: "role/dev's policies could not be read",
			Detail: "iam:GetRole was refused, so neither judge could be asked; the session goes on and AWS decides",
			Fix:    &guard.Fix{Text: "allow iam:SimulatePrincipalPolicy and iam:GetRole on the caller itself"},
		}}},
		"add": {Request: request, Grants: grants, Rulings: rule(policy.Allow, policy.ImplicitDeny), Findings: []guard.Finding{{
			Code: "SG101", Level: guard.Error, Grant: "start/document", Action: grants[1].Action, Resource: grants[1].Resource,
			Summary: "role/dev may not use this document",
			Nearest: []guard.Near{
				{At: inline, Why: "matches, but its condition ssm:resourceTag/Name = bastion-db-maintenance cannot hold here: an AWS-owned document carries no tags"},
				{At: policy.Pos{Source: `managed "Base"`, Index: 2}, Why: "allows ssm:GetDocument, which is another action"},
			},
			Fix: &guard.Fix{
				Text: "add to role/dev",
				Changes: []guard.Change{{
					Kind: guard.AddStatement, Layer: policy.Identity, Where: "role/dev",
					Statement: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"` + grants[1].Resource + `"}`,
				}},
				Grants: []string{"start/document"}, Checked: true,
				Check: "with this statement the session is allowed, and nothing else changes",
			},
		}}},
		"changes": {Request: guard.Request{Caller: guard.Caller{}, Target: "mi-0123456789abcdef0"}, Grants: grants, Rulings: rule(policy.ExplicitDeny, policy.ImplicitDeny), Findings: []guard.Finding{
			{
				Code: "SG203", Level: guard.Error, Grant: "start/target", Action: grants[0].Action, Resource: grants[0].Resource,
				Summary: "an organization's policy denies every session outside eu-*",
				Detail:  "a service control policy binds every principal of the account",
				Nearest: []guard.Near{{At: policy.Pos{Source: `SCP "RegionGuard"`, Index: 0}, Why: "denies it: aws:RequestedRegion is ap-northeast-1"}},
				Fix: &guard.Fix{
					Text: "change the policies",
					Changes: []guard.Change{
						{Kind: guard.ReplaceStatement, Layer: policy.SCP, Where: "ou-1", At: policy.Pos{Source: `SCP "RegionGuard"`}, Statement: "{\n  \"Effect\": \"Deny\"\n}"},
						{Kind: guard.RemoveStatement, Layer: policy.Identity, Where: "role/dev", At: inline},
					},
					Ask: "organization administrator", Message: "Please let role/dev use Session Manager in ap-northeast-1.\nThank you.",
				},
			},
			{Code: "SG301", Level: guard.Warning, Grant: "terminate", Action: grants[2].Action, Resource: grants[2].Resource, Summary: "the session cannot be ended from here"},
		}},
	}
}

// rulings lets both judges give the same verdicts.
func rulings(grants []guard.Grant, verdicts []policy.Verdict) []guard.Ruling {
	var rs []guard.Ruling
	for i, v := range verdicts {
		for _, judge := range []string{"iam", "local"} {
			rs = append(rs, guard.Ruling{Grant: grants[i], Judge: judge, Answer: policy.Answer{Verdict: v}})
		}
	}
	return rs
}

func TestGoldens(t *testing.T) {
	renderers := []struct {
		name string
		new  func(*bytes.Buffer) Handler
	}{
		{"text", func(b *bytes.Buffer) Handler { return NewText(b, Style{ASCII: true}) }},
		{"narrow", func(b *bytes.Buffer) Handler { return NewText(b, Style{Width: 72, Colour: true}) }},
		{"json", func(b *bytes.Buffer) Handler { return NewJSON(b) }},
	}
	for name, d := range samples() {
		for _, r := range renderers {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				var out bytes.Buffer
				render(t, r.new(&out), d, true)
				golden(t, name+"."+r.name, out.Bytes())
			})
		}
	}
}

// golden compares what was written with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got, run with -update after a wanted change):\n%s", file, diff)
	}
}

func render(t *testing.T, h Handler, d guard.Decision, checkOnly bool) {
	t.Helper()
	if err := h.Config(Config{Protocol: Protocol, CheckOnly: checkOnly}); err != nil {
		t.Fatal(err)
	}
	if err := h.Decision(d); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestQuietBeforeSession: a session that may start is preceded by no words of ours.
func TestQuietBeforeSession(t *testing.T) {
	var out bytes.Buffer
	render(t, NewText(&out, Style{Width: 80, ASCII: true}), samples()["allowed"], false)
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
	noted := samples()["allowed"]
	noted.Findings = []guard.Finding{{Code: "SG503", Level: guard.Note, Summary: "no tags could be read"}}
	render(t, NewText(&out, Style{Width: 80, ASCII: true}), noted, false)
	if out.Len() != 0 {
		t.Errorf("a note: wrote %q", out.String())
	}
	render(t, NewText(&out, Style{Width: 80, ASCII: true}), samples()["unknown"], false)
	if want := "ssmguard: warning: role/dev's policies could not be read [SG501]\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

// TestAllowedUnlessUnseen: where the verdict is the answer, it says what nobody
// could see; before a session that is no news.
func TestAllowedUnlessUnseen(t *testing.T) {
	d := samples()["allowed"]
	d.Rulings = slices.Clone(d.Rulings)
	for _, g := range d.Grants {
		d.Rulings = append(d.Rulings, guard.Ruling{Grant: g, Judge: "local", Answer: policy.Answer{DependsOn: []string{"session", "endpoint"}}})
	}
	var out bytes.Buffer
	render(t, NewText(&out, Style{ASCII: true}), d, true)
	if want := ", unless a session policy or a VPC endpoint policy forbids it, which cannot be read\n  ok target "; !strings.Contains(out.String(), want) || !strings.HasPrefix(out.String(), "ssmguard: allowed: ") {
		t.Errorf("wrote %q", out.String())
	}
	out.Reset()
	render(t, NewText(&out, Style{ASCII: true}), d, false)
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}

// TestJSONConforms holds the output to the schema we publish.
func TestJSONConforms(t *testing.T) {
	s := schema(t, "decision.schema.json")
	for name, d := range samples() {
		var out bytes.Buffer
		render(t, NewJSON(&out), d, true)
		conforms(t, s, name, out.Bytes())
	}
}
