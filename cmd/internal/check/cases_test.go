package check

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/ask"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// publicCase is one situation of guard/policy/testdata/start-session.json, whose
// decisions come from outside this repository.
type publicCase struct {
	Name     string
	Policies []struct {
		Kind, Name string
		Document   json.RawMessage
	}
	Request struct {
		Target, Partition, Region, Account, SessionID string
		Document                                      *string
		KMSKeyID                                      string `json:"kmsKeyId"`
		TargetTags, DocumentTags                      map[string]string
		Principal                                     struct {
			Type, RoleARN, UserID, Username string
			Tags                            map[string]string
		}
		Context map[string]string
	}
	Expect []struct{ Grant, Decision string }
}

// readsAnything lets the caller of a case be asked about, which the cases' own
// policies do not; no session depends on it.
const readsAnything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
 "iam:Get*","iam:List*","iam:SimulatePrincipalPolicy","organizations:Describe*","organizations:List*",
 "ec2:DescribeInstances","ec2:DescribeTags","ecs:DescribeTasks","kms:DescribeKey",
 "ssm:DescribeInstanceInformation","ssm:DescribeDocument","ssm:GetDocument","ssm:GetConnectionStatus","ssm:ListTagsForResource"]}]}`

var grantIDs = map[string]string{
	"target": guard.GrantTarget, "document": guard.GrantDocument, "terminate": guard.GrantTerminate,
	"resume": guard.GrantResume, "openDataChannel": guard.GrantDataChannel, "kms": guard.GrantKMS,
}

const (
	sessionTags = "a role's session may carry tags that cannot be read back"
	blind       = "the case's policies keep the caller from asking IAM about himself"
	sourceIP    = "only AWS knows the address it sees"
	keyPolicy   = "the key's own policy may allow it"
)

// notSimulated are grants of cases on which IAM's simulation gives no proven
// ruling, and why.
var notSimulated = map[string]string{
	"abac-principal-tag-matches document":             sessionTags,
	"abac-principal-tag-matches target":               sessionTags,
	"abac-principal-without-tag document":             sessionTags,
	"abac-principal-without-tag target":               sessionTags,
	"kms-key-grant-missing kms":                       keyPolicy,
	"mfa-deny-with-long-term-keys document":           blind,
	"mfa-deny-with-long-term-keys target":             blind,
	"permissions-boundary-without-documents document": blind,
	"permissions-boundary-without-documents target":   blind,
	"source-ip-outside-range document":                sourceIP,
	"source-ip-outside-range target":                  sourceIP,
	"vpc-endpoint-policy-own-account-only document":   blind,
	"vpc-endpoint-policy-own-account-only target":     blind,
}

// undecided are grants of cases that stay Unknown when both judges have spoken,
// and why.
var undecided = map[string]string{
	"abac-principal-tag-matches document":             sessionTags,
	"abac-principal-tag-matches target":               sessionTags,
	"abac-principal-without-tag document":             sessionTags,
	"abac-principal-without-tag target":               sessionTags,
	"mfa-deny-with-long-term-keys document":           blind,
	"mfa-deny-with-long-term-keys target":             blind,
	"permissions-boundary-without-documents document": blind,
	"permissions-boundary-without-documents target":   blind,
	"source-ip-outside-range document":                sourceIP,
	"source-ip-outside-range target":                  sourceIP,
	"vpc-endpoint-policy-own-account-only document":   blind,
	"vpc-endpoint-policy-own-account-only target":     blind,
}

// TestPublicCasesAgainstAccount stages every case as an account and asks both
// judges as ssmguard does. No judge contradicts a case, and where nobody can
// tell is written down.
func TestPublicCasesAgainstAccount(t *testing.T) {
	text, err := os.ReadFile("../../../guard/policy/testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []publicCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	silent, open := make(map[string]string), make(map[string]string)
	for _, c := range cases {
		d := c.decide(t)
		for _, e := range c.Expect {
			name := c.Name + " " + e.Grant
			m := d.Of(grantIDs[e.Grant])
			if len(m.Rulings) != 2 {
				t.Errorf("%s: %d rulings, want one of each judge", name, len(m.Rulings))
			}
			for _, r := range m.Rulings {
				switch got := r.Answer.Verdict; {
				case got == policy.Unknown || got.Denies() && len(r.Answer.DependsOn) > 0:
					if r.Judge == "iam" {
						silent[name] = strings.Join(r.Answer.DependsOn, ", ")
					}
				case got.String() != e.Decision:
					t.Errorf("%s: %s says %s, want %s", name, r.Judge, got, e.Decision)
				}
			}
			switch {
			case m.Verdict == policy.Unknown:
				open[name] = strings.Join(m.DependsOn, ", ")
			case m.Verdict.String() != e.Decision:
				t.Errorf("%s: %s, want %s", name, m.Verdict, e.Decision)
			}
		}
	}
	compareNames(t, "not simulated", notSimulated, silent)
	compareNames(t, "undecided", undecided, open)
}

// compareNames compares what is written down with what was found, which says on
// what the verdict turned.
func compareNames(t *testing.T, what string, written, found map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if written[name] == "" {
			t.Errorf("%s: %s, which turned on %q, is not written down", what, name, found[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		if _, ok := found[name]; !ok {
			t.Errorf("%s: %s is written down (%s) and was told", what, name, written[name])
		}
	}
}

// decide asks the guard about a case, over HTTP.
func (c publicCase) decide(t *testing.T) guard.Decision {
	t.Helper()
	server, err := account.New(c.world(), api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	keys := server.Logins()[0]
	client := awsiam.New(aws.Config{
		Region:       c.Request.Region,
		BaseEndpoint: aws.String(web.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
		}),
	}, awsiam.Options{})
	t.Cleanup(client.Close)
	r := guard.Request{Region: c.Request.Region, Target: c.Request.Target, SessionID: c.Request.SessionID}
	if c.Request.Document != nil {
		r.Document = *c.Request.Document
	}
	w := &ask.Question{
		Request:  r,
		Evidence: client,
		Guard:    &guard.Guard{Inventory: client, Simulators: []guard.Simulator{client, guard.Local{Source: client}}},
	}
	d, err := w.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// world stages a case as an account.
func (c publicCase) world() world.World {
	r := c.Request
	w := world.World{Partition: r.Partition, Account: r.Account, Region: r.Region, Context: r.Context}
	p := world.Principal{Tags: r.Principal.Tags, Inline: []world.Policy{{Name: "reads-anything", Document: readsAnything}}}
	level := world.Level{ID: "r-root", Name: "Root"}
	login := world.Login{Name: "caller"}
	for _, f := range c.Policies {
		named := world.Policy{Name: f.Name, Document: string(f.Document)}
		switch f.Kind {
		case "identity":
			p.Inline = append(p.Inline, named)
		case "boundary":
			w.Policies, p.Boundary = append(w.Policies, named), named.Name
		case "session":
			login.Policies = append(login.Policies, named.Document)
		case "vpce":
			w.Endpoint = &named
		case "scp":
			level.SCPs = append(level.SCPs, named)
		}
	}
	if level.SCPs != nil {
		w.Organization = &world.Organization{ID: "o-exampleorgid", ManagementAccount: "999988887777", Delegated: true, Levels: []world.Level{level}}
	}
	if r.Principal.Type == "User" {
		p.Name, p.ID = r.Principal.Username, r.Principal.UserID
		login.Principal = "user/" + p.Name
		w.Users = []world.User{{Principal: p}}
	} else {
		_, path, _ := strings.Cut(r.Principal.RoleARN, ":role")
		slash := strings.LastIndexByte(path, '/')
		p.Path, p.Name = path[:slash+1], path[slash+1:]
		p.ID, login.Session, _ = strings.Cut(r.Principal.UserID, ":")
		login.Principal = "role/" + p.Name
		w.Roles = []world.Role{{Principal: p}}
	}
	w.Logins = []world.Login{login}
	c.stageTarget(&w)
	return w
}

// stageTarget puts target, document and key into the world.
func (c publicCase) stageTarget(w *world.World) {
	r := c.Request
	if rest, ok := strings.CutPrefix(r.Target, "ecs:"); ok {
		part := strings.Split(rest, "_")
		w.Tasks = []world.Task{{Cluster: part[0], ID: part[1], Tags: r.TargetTags, Containers: []world.Container{{Name: "app", RuntimeID: part[2]}}}}
	} else {
		w.Nodes = []world.Node{{ID: r.Target, Tags: r.TargetTags, Ping: "Online", Agent: "3.3.0.0"}}
	}
	const content = `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":%q}}`
	name := "SSM-SessionManagerRunShell"
	if r.Document != nil {
		name = *r.Document
	}
	if !strings.HasPrefix(name, "AWS-") {
		w.Documents = []world.Document{{Name: name, Tags: r.DocumentTags, Content: fmt.Sprintf(content, r.KMSKeyID)}}
	}
	if _, id, ok := strings.Cut(r.KMSKeyID, ":key/"); ok {
		w.Keys = []world.Key{{ID: id}}
	}
}
