package awsiam

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/world"
)

func resolveWorld() world.World {
	w := devWorld()
	w.Roles[0].Inline = []world.Policy{inline("all", allowAll)}
	w.Nodes = []world.Node{
		{ID: "i-00000000000000001", Tags: map[string]string{"Name": "bastion", "role": "jump"}, Ping: "Online", PrivateIP: "10.0.0.5", PrivateDNS: "ip-10-0-0-5.eu-central-1.compute.internal"},
		{ID: "i-00000000000000002", Tags: map[string]string{"Name": "web", "role": "web"}, Ping: "Online", PrivateIP: "10.0.0.6"},
		{ID: "i-00000000000000003", Tags: map[string]string{"Name": "web", "role": "web"}, Ping: "Online"},
		{ID: "i-00000000000000004", Tags: map[string]string{"Name": "batch"}, Ping: "Online"},
		{ID: "i-00000000000000005", Tags: map[string]string{"Name": "batch"}, State: "stopped"},
		{ID: "i-00000000000000006", Tags: map[string]string{"Name": "gone"}, State: "terminated"},
		{ID: "mi-00000000000000007", Tags: map[string]string{"Name": "lathe"}, Ping: "Online", PrivateIP: "192.168.1.9"},
		{ID: "i-00000000000000008", Region: "eu-west-1", Tags: map[string]string{"Name": "far"}, Ping: "Online"},
	}
	return w
}

func TestResolveTarget(t *testing.T) {
	w := resolveWorld()
	w.Nodes = append(w.Nodes, world.Node{ID: "i-00000000000000009", Tags: map[string]string{"Name": "db.example.com"}, Ping: "Online"})
	c, srv := serve(t, w, Options{})
	for _, tt := range []struct {
		name, want string
		candidates []string
	}{
		{"i-0000000000000000a", "i-0000000000000000a", nil},
		{"mi-00000000000000009", "mi-00000000000000009", nil},
		{"ecs:prod_1_2", "ecs:prod_1_2", nil},
		{"bastion", "i-00000000000000001", nil},
		{"tag:role=jump", "i-00000000000000001", nil},
		{"10.0.0.6", "i-00000000000000002", nil},
		{"ip-10-0-0-5.eu-central-1.compute.internal", "i-00000000000000001", nil},
		{"batch", "i-00000000000000004", nil},
		{"db.example.com", "i-00000000000000009", nil},
		{"lathe", "mi-00000000000000007", nil},
		{"192.168.1.9", "mi-00000000000000007", nil},
		{"web", "", []string{"i-00000000000000002", "i-00000000000000003"}},
		{"tag:role=web", "", []string{"i-00000000000000002", "i-00000000000000003"}},
		{"gone", "", []string{}},
		{"far", "", []string{}},
		{"10.9.9.9", "", []string{}},
		{"no.such.host", "", []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv.ForgetCalls()
			got, err := c.ResolveTarget(t.Context(), testRegion, tt.name)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.want == tt.name && len(srv.Calls()) > 0 {
				t.Error("an id was looked up")
			}
			var several *AmbiguousTarget
			var none *NoTarget
			switch {
			case tt.candidates == nil && err != nil:
				t.Error(err)
			case len(tt.candidates) > 0:
				if !errors.As(err, &several) {
					t.Fatalf("error %v", err)
				}
				var ids []string
				for _, n := range several.Candidates {
					ids = append(ids, n.ID)
				}
				if diff := cmp.Diff(tt.candidates, ids); diff != "" {
					t.Error(diff)
				}
			case tt.candidates != nil && !errors.As(err, &none):
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestResolveInAnotherRegion(t *testing.T) {
	c, _ := serve(t, resolveWorld(), Options{})
	if got, err := c.ResolveTarget(t.Context(), "eu-west-1", "far"); got != "i-00000000000000008" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestResolveNotVisible(t *testing.T) {
	w := resolveWorld()
	deny := func(action string) world.Policy {
		return inline("no"+strings.ReplaceAll(action, ":", "-"), statement(`{"Effect":"Deny","Action":"`+action+`","Resource":"*"}`))
	}
	w.Roles[0].Inline = append(w.Roles[0].Inline, deny("ssm:DescribeInstanceInformation"))
	c, _ := serve(t, w, Options{})
	if got, err := c.ResolveTarget(t.Context(), testRegion, "bastion"); got != "i-00000000000000001" || err != nil {
		t.Errorf("EC2 alone is enough: %q, %v", got, err)
	}
	w.Roles[0].Inline = append(w.Roles[0].Inline, deny("ec2:DescribeInstances"))
	c, _ = serve(t, w, Options{})
	_, err := c.ResolveTarget(t.Context(), testRegion, "bastion")
	if want := `"bastion" cannot be looked up in eu-central-1: AWS refused ec2:DescribeInstances: an identity-based policy denies it [SG602]; give the target's id`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = c.Nodes(t.Context(), testRegion)
	if want := `the targets in eu-central-1 cannot be listed: AWS refused ec2:DescribeInstances: an identity-based policy denies it [SG602]; give one with --target`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestLookupErrorText(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&Error{Permission: "ec2:DescribeInstances", Kind: KindUnreachable, Message: "no answer in time"}, `"db" cannot be looked up in eu-west-1: ec2:DescribeInstances: no answer in time`},
		{
			errors.Join(&Error{Permission: "ec2:DescribeInstances", Kind: KindCredentials, Code: "RequestExpired", Message: "it has expired"}, &Error{Permission: "ssm:DescribeInstanceInformation"}),
			`"db" cannot be looked up in eu-west-1: ec2:DescribeInstances: RequestExpired: it has expired`,
		},
		{
			errors.Join(&Error{Permission: "ec2:DescribeInstances", Kind: KindDenied, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action"},
				&Error{Permission: "ssm:DescribeInstanceInformation", Kind: KindDenied}),
			`"db" cannot be looked up in eu-west-1 without ec2:DescribeInstances and ssm:DescribeInstanceInformation; give the target's id`,
		},
		{
			&Error{Permission: "ec2:DescribeInstances", Kind: KindDenied, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ec2:DescribeInstances with an explicit deny in a service control policy"},
			`"db" cannot be looked up in eu-west-1: AWS refused ec2:DescribeInstances: a service control policy denies it [SG603]; see whether --region is right`,
		},
		{errors.New("canceled"), `"db" cannot be looked up in eu-west-1: canceled`},
	} {
		if got := (&LookupError{Name: "db", Region: "eu-west-1", Err: test.err}).Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestAmbiguousTargetText(t *testing.T) {
	e := &AmbiguousTarget{Name: "web"}
	for _, id := range []string{"i-1", "i-2", "i-3", "i-4", "i-5", "i-6"} {
		e.Candidates = append(e.Candidates, Node{ID: id})
	}
	if want := `6 instances are called "web"; pick one: i-1, i-2, i-3, i-4, i-5, ...`; e.Error() != want {
		t.Errorf("got %s", e)
	}
	e.Candidates = []Node{
		{ID: "i-1", State: "running", Ping: "Online", Tags: map[string]string{"Name": "web", "env": "prod", "team": "a"}},
		{ID: "i-2", State: "stopped", Tags: map[string]string{"Name": "web", "env": "dev", "team": "a"}},
	}
	if want := `2 instances are called "web"; pick one: i-1 (running, Online, env=prod), i-2 (stopped, env=dev)`; e.Error() != want {
		t.Errorf("got %s", e)
	}
}

func TestNodesAndDocuments(t *testing.T) {
	w := resolveWorld()
	w.Documents = []world.Document{
		{Name: "Shell", Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream"}`, Tags: map[string]string{"team": "data"}},
		{Name: "Run", Type: "Command", Content: `{"schemaVersion":"2.2","mainSteps":[]}`},
	}
	c, _ := serve(t, w, Options{})
	nodes, err := c.Nodes(t.Context(), testRegion)
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes) != 6 {
		t.Errorf("nodes %+v", nodes)
	}
	want := Node{ID: "i-00000000000000001", Name: "bastion", Tags: map[string]string{"Name": "bastion", "role": "jump"}, State: "running", Ping: "Online",
		PrivateIP: "10.0.0.5", PrivateDNS: "ip-10-0-0-5.eu-central-1.compute.internal", Platform: "Linux"}
	if i := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == want.ID }); i < 0 {
		t.Error("no bastion")
	} else if diff := cmp.Diff(want, nodes[i]); diff != "" {
		t.Error(diff)
	}
	docs, err := c.SessionDocuments(t.Context(), testRegion)
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]SessionDocument)
	for _, d := range docs {
		byName[d.Name] = d
	}
	if diff := cmp.Diff(SessionDocument{"Shell", testAccount, map[string]string{"team": "data"}}, byName["Shell"]); diff != "" {
		t.Error(diff)
	}
	if byName["AWS-StartSSHSession"].Owner != "Amazon" {
		t.Errorf("AWS's own documents are missing: %v", docs)
	}
	if _, ok := byName["Run"]; ok {
		t.Error("a command document is no session document")
	}
}

func TestDecodeMessage(t *testing.T) {
	w := resolveWorld()
	w.Denials.Encoded = true
	w.Roles[0].Inline = append(w.Roles[0].Inline, inline("no", statement(`{"Effect":"Deny","Action":"ec2:DescribeInstances","Resource":"*"}`)))
	c, _ := serve(t, w, Options{})
	_, err := c.Nodes(t.Context(), testRegion)
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("error %v", err)
	}
	_, encoded, ok := strings.Cut(refused.Message, "Encoded authorization failure message: ")
	if !ok {
		t.Fatalf("message %q", refused.Message)
	}
	text, err := c.DecodeMessage(t.Context(), encoded)
	if err != nil || !strings.Contains(text, "ec2:DescribeInstances") {
		t.Errorf("%q, %v", text, err)
	}
}
