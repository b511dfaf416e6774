package bastion

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"

	"ssmguard/guard/awsiam"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
	"ssmguard/proxy/awsdb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// account is a login in a served world, and the calls that it has made.
type account struct {
	aws      aws.Config
	evidence *awsiam.Client

	mu    sync.Mutex
	calls []string
}

// login serves a world and logs in there.
func login(t *testing.T, w world.World, as string) *account {
	t.Helper()
	s := sandboxtest.ServedWorld(t, w)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(as),
		config.WithSharedConfigFiles([]string{s.Files.Config()}), config.WithSharedCredentialsFiles([]string{s.Files.Credentials()}))
	if err != nil {
		t.Fatal(err)
	}
	a := &account{aws: cfg}
	a.evidence = awsiam.New(cfg, awsiam.Options{NoCache: true, Timing: func(op string, _ time.Duration) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls = append(a.calls, op)
	}})
	t.Cleanup(a.evidence.Close)
	return a
}

// bastions is the world of the tests, changed.
func bastions(t *testing.T, change func(*world.World)) world.World {
	t.Helper()
	w, err := world.Load("bastions")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&w)
	}
	return w
}

// orders is the database of that name.
func orders(w *world.World) *world.Database {
	return &w.Databases[slices.IndexFunc(w.Databases, func(d world.Database) bool { return d.Name == "orders" })]
}

// database looks a database or a cache up.
func (a *account) database(t *testing.T, name string, port int) *Database {
	t.Helper()
	look := awsdb.RDS
	if name == "sessions" {
		look = awsdb.ElastiCache
	}
	e, err := look(t.Context(), a.aws, name, false)
	if err != nil {
		t.Fatal(err)
	}
	return NewDatabase(a.evidence, a.aws, e, port)
}

// The screens, as people read them. go test ./cmd/internal/bastion -update writes them anew.
func TestWays(t *testing.T) {
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	const bastion, narrow, app, elsewhere = "i-00000000000000ba0", "i-00000000000000ba1", "i-00000000000000a00", "i-00000000000000b00"
	allowed := func(action string) func(*world.World) {
		return func(w *world.World) {
			w.Users.Named("bob").Inline = append(w.Users.Named("bob").Inline,
				world.Policy{Name: "more", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*"}}`})
		}
	}
	var text strings.Builder
	for _, c := range []struct {
		what, as, target, database string
		port                       int
		change                     func(*world.World)
	}{
		{"open", "alice", bastion, "orders", 0, nil},
		{"the database admits others, and the bastion on another port", "alice", bastion, "ledger", 0, nil},
		{"a rule of the bastion is for one of the database's subnets", "alice", narrow, "orders", 0, nil},
		{"nothing leaves, nothing is let in", "alice", narrow, "sessions", 0, func(w *world.World) {
			w.SecurityGroups.Named("sg-0ba1").Egress = []world.GroupRule{}
			w.SecurityGroups.Named("sg-0d02").Ingress = nil
		}},
		{"a cache that admits a network", "alice", app, "sessions", 0, nil},
		{"two VPCs", "alice", elsewhere, "orders", 0, nil},
		{"a cluster, whose groups alone tell its VPC", "alice", elsewhere, "lonely", 0, nil},
		{"the engine listens elsewhere", "alice", bastion, "orders", 5433, nil},
		{"stopped", "alice", bastion, "orders", 0, func(w *world.World) { orders(w).Status = "stopped" }},
		{"no group may be read", "bob", bastion, "orders", 0, nil},
		{"no group, and only groups tell the VPC", "bob", elsewhere, "lonely", 0, nil},
		{"no prefix list may be read", "bob", bastion, "ledger", 0, allowed("ec2:DescribeSecurityGroups")},
		{"no subnet may be read", "bob", narrow, "ledger", 0, allowed("ec2:DescribeSecurityGroups")},
		{"no instance", "alice", "mi-0123456789abcdef0", "orders", 0, nil},
		{"a database without groups", "alice", bastion, "orders", 0, func(w *world.World) { orders(w).Groups = nil }},
	} {
		a := login(t, bastions(t, c.change), c.as)
		w := a.database(t, c.database, c.port).FromTarget(t.Context(), c.target)
		fmt.Fprintf(&text, "# %s\n%s\ncalls: %s\n\n", c.what, strings.Join(w.Lines(), "\n"), strings.Join(a.calls, ", "))
	}
	golden(t, "testdata/ways.txt", text.String())
}

// golden compares a text with a file.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

// What was read for one target is not read again for the next.
func TestReadsOnce(t *testing.T) {
	a := login(t, bastions(t, nil), "alice")
	d := a.database(t, "ledger", 0)
	for range 2 {
		for _, id := range []string{"i-00000000000000ba0", "i-00000000000000ba1"} {
			d.FromTarget(context.Background(), id)
		}
	}
	count := make(map[string]int)
	for _, c := range a.calls {
		count[c]++
	}
	want := map[string]int{"ec2:DescribeInstances": 4, "ec2:DescribeSecurityGroups": 2, "ec2:GetManagedPrefixListEntries": 1, "ec2:DescribeSubnets": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
}
