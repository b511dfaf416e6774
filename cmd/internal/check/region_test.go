package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// TestRegionNobodyStated: the region is no fact unless somebody states it, and what holds in
// every region holds without it.
func TestRegionNobodyStated(t *testing.T) {
	const (
		allowed, implicit, explicit, unknown = policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny, policy.Unknown
		cnRole                               = "arn:aws-cn:iam::111122223333:role/dev"
		govRole                              = "arn:aws-us-gov:iam::111122223333:role/dev"
	)
	deny := func(condition string) string {
		return everything + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + condition + `}}`
	}
	start := func(resources string) string {
		return `{"Effect":"Allow","Action":"ssm:StartSession","Resource":[` + resources + `]}`
	}
	tests := map[string]struct {
		principal, text string
		want            policy.Verdict
		says            string // in the detail of the finding
	}{
		"nothing turns on it":    {devRole, start(`"arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"`), allowed, ""},
		"an open pattern":        {devRole, start(`"arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*-*-?:*:document/*"`), allowed, ""},
		"a guard":                {devRole, deny(`"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-central-1"]}`), unknown, "--region eu-west-1"},
		"a guard by pattern":     {devRole, deny(`"StringLike":{"aws:RequestedRegion":"us-*"}`), unknown, "--region eu-west-1"},
		"a guard on every one":   {devRole, deny(`"StringLike":{"aws:RequestedRegion":"*"}`), explicit, ""},
		"a guard on none":        {devRole, deny(`"StringEquals":{"aws:RequestedRegion":"cn-north-1"}`), allowed, ""},
		"a misspelt region":      {devRole, deny(`"StringNotEquals":{"aws:RequestedRegion":"us_east_1"}`), explicit, ""},
		"a region of a newcomer": {devRole, deny(`"StringNotEquals":{"aws:RequestedRegion":"xx-north-9"}`), unknown, "--region xx-north-9"},
		"the guard of China":     {cnRole, deny(`"StringNotEquals":{"aws:RequestedRegion":"cn-north-1"}`), unknown, "--region cn-north-1"},
		"China without a guard":  {cnRole, deny(`"StringNotLike":{"aws:RequestedRegion":"cn-*"}`), allowed, ""},
		"the guard of GovCloud":  {govRole, deny(`"StringNotEquals":{"aws:RequestedRegion":"us-gov-east-1"}`), unknown, "--region us-gov-east-1"},
		"an ARN":                 {devRole, start(`"arn:aws:ec2:eu-west-1:*:instance/*","arn:aws:ssm:*:*:document/*"`), unknown, "--region eu-west-1"},
		"an ARN of every one":    {devRole, start(`"arn:aws:ec2:eu-west-1:*:instance/*","arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"`), allowed, ""},
		"an ARN as a variable":   {devRole, start(`"arn:aws:ec2:${aws:RequestedRegion}:*:instance/*","arn:aws:ssm:*:*:document/*"`), implicit, ""}, // variables stand in the last field alone
		"denied in every one":    {devRole, start(`"arn:aws:ec2:*:*:instance/*"`), implicit, ""},
		"another key, too":       {devRole, deny(`"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"Bool":{"aws:MultiFactorAuthPresent":"false"}`), unknown, "--region us-east-1"},
		"another key alone":      {devRole, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), unknown, "--context aws:MultiFactorAuthPresent"},
	}
	for name, tt := range tests {
		for _, closed := range []bool{false, true} {
			if closed && strings.HasPrefix(name, "another key") {
				continue
			}
			d := regionless(t, fileOptions{Principal: tt.principal, Closed: closed}, tt.text)
			if got := d.Verdict(); got != tt.want {
				t.Errorf("%s: %v, want %v: %+v", name, got, tt.want, d.Findings)
				continue
			}
			if tt.says != "" && !slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return strings.Contains(f.Detail, tt.says) }) {
				t.Errorf("%s: nothing says %s: %+v", name, tt.says, d.Findings)
			}
			if name == "another key alone" && slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return strings.Contains(f.Detail, "--region") }) {
				t.Errorf("%s: it does not turn on the region: %+v", name, d.Findings)
			}
		}
	}
}

// TestRegionOfARepair: what is to be added where nobody stated a region is for every one, and
// allows the session in each.
func TestRegionOfARepair(t *testing.T) {
	d := regionless(t, fileOptions{Principal: devRole}, `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`)
	i := slices.IndexFunc(d.Findings, func(f guard.Finding) bool { return f.Grant == guard.GrantDocument && f.Fix != nil })
	if i < 0 || !d.Findings[i].Fix.Checked || len(d.Findings[i].Fix.Changes) != 1 {
		t.Fatalf("no repair that was checked: %+v", d.Findings)
	}
	change := d.Findings[i].Fix.Changes[0]
	if want := `"Resource":"arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell"`; !strings.Contains(change.Statement, want) {
		t.Errorf("the repair is %s, want it with %s", change.Statement, want)
	}
	set, err := guard.Apply(*d.Policies, change)
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range guard.Regions("aws") {
		r := d.Request
		r.Region = region
		for _, g := range guard.Needs(r, d.Facts) {
			if v := guard.Evaluate(set, g).Verdict; !g.Advisory && v != policy.Allow {
				t.Errorf("%s in %s: %v", g.ID, region, v)
			}
		}
	}
}

// regionless asks about identity policies of a caller who stated no region.
func regionless(t *testing.T, o fileOptions, text string) guard.Decision {
	t.Helper()
	doc, err := policy.Parse(policy.Identity, "policy.json", []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	var reading policyfile.Reading
	reading.Add(policy.Identity, doc.Statements)
	d, err := o.decide(t.Context(), reading, guard.Request{Target: "i-0123456789abcdef0"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStatedRegion: who states the region, in the order of the AWS CLI.
func TestStatedRegion(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\nregion = eu-north-1\n[profile us]\nregion = us-west-2\n[profile none]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const document = "arn:aws:ssm:eu-south-2:111122223333:document/Shell"
	for want, tt := range map[string]struct{ words, environ string }{
		"ap-south-1":   {"--region ap-south-1 --profile us", "AWS_REGION=eu-west-1"},
		"eu-west-1":    {"--profile us", "AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-2 AWS_CONFIG_FILE=" + config},
		"eu-west-2":    {"", "AWS_DEFAULT_REGION=eu-west-2 AWS_CONFIG_FILE=" + config},
		"us-west-2":    {"--profile us", "AWS_CONFIG_FILE=" + config},
		"eu-north-1":   {"", "AWS_CONFIG_FILE=" + config},
		"us-east-1":    {"--region fips-us-east-1", ""},
		"eu-south-2":   {"--document-name " + document, ""},
		"":             {"", ""},
		"eu-central-1": {"--document-name " + document + " --region eu-central-1", ""},
	} {
		p := &env.Process{Environ: append(strings.Fields(tt.environ), "HOME="+t.TempDir())}
		line, err := ask.ReadSession(p, append(strings.Fields(tt.words), "--target", "i-0123456789abcdef0"), false)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := statedRegion(line); got != want || err != nil {
			t.Errorf("%s %s: region %q, %v; want %q", tt.environ, tt.words, got, err, want)
		}
	}
	p := &env.Process{Environ: []string{"AWS_CONFIG_FILE=" + config, "AWS_PROFILE=none", "HOME=" + t.TempDir()}}
	line, err := ask.ReadSession(p, []string{"--target", "i-0123456789abcdef0"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := statedRegion(line); got != "" || err != nil {
		t.Errorf("a profile without a region states %q, %v", got, err)
	}
}

// TestRegionInContext: aws:RequestedRegion states the region of the ARNs, too, and somebody is
// in the partition of the region.
func TestRegionInContext(t *testing.T) {
	const text = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:*:ec2:cn-north-1:*:instance/*","arn:aws-cn:ssm:cn-north-1:*:document/*"]}`
	for _, tt := range []struct {
		o    fileOptions
		want policy.Verdict
	}{
		{fileOptions{Context: map[string][]string{"aws:requestedregion": {"cn-north-1"}}}, policy.Allow},
		{fileOptions{Context: map[string][]string{"aws:RequestedRegion": {"cn-northwest-1"}}}, policy.ImplicitDeny},
		{fileOptions{Context: map[string][]string{"aws:RequestedRegion": {"us-east-1"}}}, policy.ImplicitDeny},
		{fileOptions{}, policy.Unknown},
	} {
		if d := regionless(t, tt.o, text); d.Verdict() != tt.want {
			t.Errorf("%v: %v, want %v: %+v", tt.o.Context, d.Verdict(), tt.want, d.Findings)
		}
	}
}
