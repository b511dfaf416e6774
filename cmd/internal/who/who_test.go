package who

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ssmguard/cmd/internal/check"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard/guardtest"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
)

// say runs a command line of who, and returns what it said and its exit code.
func say(t testing.TB, environ []string, words ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &env.Process{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Environ: append([]string{"AWS_EC2_METADATA_DISABLED=true"}, environ...)}
	code = exit.Report(p, run(context.Background(), p, words, options{pause: time.Millisecond}))
	return out.String(), errs.String(), code
}

// answered is what is read of the answer in JSON.
type answered struct {
	Principals []struct {
		Principal string
		Unread    []string
	}
	Answers []struct {
		Verdict                              string
		Principals, Targets, Documents, Open []string
	}
	Counts  map[string]int
	Whole   bool
	Missing []string
}

// verdicts returns the verdict on every session that is told of.
func (a answered) verdicts() map[string]string {
	all := make(map[string]string)
	for _, x := range a.Answers {
		for _, p := range x.Principals {
			for _, target := range x.Targets {
				for _, d := range x.Documents {
					all[p+" "+target+" "+d] = x.Verdict
				}
			}
		}
	}
	return all
}

func decoded(t *testing.T, text string) (a answered) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%v\n%.400s", err, text)
	}
	return a
}

// corner is a principal of the account below.
type corner struct {
	broken, textless, groupless, unbound bool
}

func cornerOf(n int) corner {
	return corner{broken: n%97 == 3, textless: n%89 == 5, groupless: n%83 == 7, unbound: n%79 == 11}
}

// cornerAccount writes the details of an account of users with unreadable corners: policies that are
// none, texts and groups that are missing, boundaries without a text.
func cornerAccount(w io.Writer, users int) {
	fmt.Fprint(w, `{"UserDetailList":[`)
	for n := range users {
		c := cornerOf(n)
		if n > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"UserName":"u%d","UserId":"AIDA%d","Arn":"arn:aws:iam::111122223333:user/u%d","GroupList":["all"%s],`, n, n, n, map[bool]string{true: `,"gone"`}[c.groupless])
		inline := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::home-%d/*"}]}`, n)
		if c.broken {
			inline = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:StartSession"}]}`
		}
		fmt.Fprintf(w, `"UserPolicyList":[{"PolicyName":"own","PolicyDocument":%s}],"AttachedManagedPolicies":[`, inline)
		if c.textless {
			fmt.Fprint(w, `{"PolicyName":"Away","PolicyArn":"arn:aws:iam::aws:policy/Away"}`)
		}
		fmt.Fprint(w, `]`)
		if c.unbound {
			fmt.Fprint(w, `,"PermissionsBoundary":{"PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/Limit"}`)
		}
		fmt.Fprint(w, "}\n")
	}
	fmt.Fprint(w, `],"GroupDetailList":[{"GroupName":"all","Arn":"arn:aws:iam::111122223333:group/all","AttachedManagedPolicies":[],"GroupPolicyList":[{"PolicyName":"web","PolicyDocument":
		{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/i-0*","arn:aws:ssm:*:*:document/*"]}]}}]}],"RoleDetailList":[],"Policies":[]}`)
}

// TestUnreadableCorners: an account of 5,000 users of which many could not be read ends with an
// answer that names each of them, and decides about all others.
func TestUnreadableCorners(t *testing.T) {
	const users = 5000
	folder := t.TempDir()
	var account bytes.Buffer
	cornerAccount(&account, users)
	file := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	accounts := file("account.json", account.Bytes())
	instances := file("instances.json", []byte(`{"Reservations":[{"Instances":[{"InstanceId":"i-00000000","State":{"Name":"running"},"Placement":{"AvailabilityZone":"eu-west-1a"}},
		{"InstanceId":"i-11111111","State":{"Name":"running"},"Placement":{"AvailabilityZone":"eu-west-1a"}},{"InstanceId":7}]}]}`+
		`{"Reservations":[{"Instances":[{"InstanceId":"i-00000000","State":{"Name":"running"},"Placement":{"AvailabilityZone":"eu-west-1a"}},{"InstanceId":"i-11111111","State":{"Name":"running"},"Placement":{"AvailabilityZone":"eu-west-1a"}}]}],"NextToken":"more"}`))
	out, stderr, code := say(t, nil, "--account", accounts, "--instances", instances, "--output", "json", "--document-name", "AWS-StartSSHSession")
	if code != 4 || stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	a := decoded(t, out)
	if a.Whole || len(a.Missing) != 1 || !strings.Contains(a.Missing[0], "InstanceID is a JSON number") && !strings.Contains(a.Missing[0], "InstanceId is a JSON number") {
		t.Errorf("whole %t, missing %q", a.Whole, a.Missing)
	}
	if len(a.Principals) != users {
		t.Fatalf("%d principals", len(a.Principals))
	}
	verdicts := a.verdicts()
	for n := range users {
		c := cornerOf(n)
		arn := fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", n)
		at := slices.IndexFunc(a.Principals, func(p struct {
			Principal string
			Unread    []string
		}) bool {
			return p.Principal == arn
		})
		var want []string
		for _, one := range []struct {
			is   bool
			what string
		}{{c.broken, `inline "own" is no policy, at `}, {c.textless, "managed Away: "}, {c.groupless, "group/gone is not"}, {c.unbound, "boundary Limit: "}} {
			if one.is {
				want = append(want, one.what)
			}
		}
		unread := strings.Join(a.Principals[at].Unread, "\n")
		for _, what := range want {
			if !strings.Contains(unread, what) {
				t.Fatalf("%s: %q is not named in %q", arn, what, unread)
			}
		}
		if len(want) != len(a.Principals[at].Unread) {
			t.Fatalf("%s: %q", arn, unread)
		}
		may := "allowed"
		if len(want) > 0 {
			may = "undecided"
		}
		other := ""
		if c.broken || c.textless || c.groupless {
			other = "undecided" // what was not read may allow it
		}
		if got := verdicts[arn+" i-00000000 AWS-StartSSHSession"]; got != may {
			t.Fatalf("%s: %q, want %q", arn, got, may)
		}
		if got := verdicts[arn+" i-11111111 AWS-StartSSHSession"]; got != other {
			t.Fatalf("%s, another instance: %q, want %q", arn, got, other)
		}
	}
	for _, format := range []string{"text", "html", "csv"} {
		if out, _, code := say(t, nil, "--account", accounts, "--instances", instances, "--output", format, "--document-name", "AWS-StartSSHSession"); code != 4 || format != "csv" && !strings.Contains(out, "is a JSON number") {
			t.Errorf("%s: exit code %d", format, code)
		}
	}
}

// TestMemoryIsFlat: what is kept of an account while it is read does not grow with its texts.
func TestMemoryIsFlat(t *testing.T) {
	const roles = 2000
	size := 0
	in, out := io.Pipe()
	go func() {
		fmt.Fprint(out, `{"RoleDetailList":[`)
		for n := range roles {
			statement := fmt.Sprintf(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::bucket-%d/*"}`, n)
			text := fmt.Sprintf(`{"RoleName":"r%d","Arn":"arn:aws:iam::111122223333:role/r%d","AssumeRolePolicyDocument":{"Statement":[]},"AttachedManagedPolicies":[],"RolePolicyList":[{"PolicyName":"own","PolicyDocument":{"Version":"2012-10-17","Statement":[%s%s]}}]}`,
				n, n, strings.Repeat(statement+",", 80), statement)
			if n > 0 {
				text = "," + text
			}
			size += len(text)
			io.WriteString(out, text)
		}
		fmt.Fprint(out, `]}`)
		out.Close()
	}()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	r := newRoll()
	if whole, err := (output{"aws", r.lists()}).read("account.json", in); err != nil || !whole {
		t.Fatalf("whole %t, %v", whole, err)
	}
	kept := int(heap()) - int(before)
	t.Logf("of %d bytes %d are kept", size, kept)
	if len(r.people) != roles || size < 15<<20 || kept > roles*2<<10 {
		t.Errorf("of %d roles in %d bytes %d are kept", len(r.people), size, kept)
	}
	runtime.KeepAlive(r)
}

// TestGenerated: the account that .ci/who-speed asks about, small, is answered as its policies say.
func TestGenerated(t *testing.T) {
	folder := t.TempDir()
	a := guardtest.Account{Roles: 80, Instances: 60}
	for name, write := range map[string]func(io.Writer) error{"account.json": a.Details, "instances.json": a.Describe, "documents.json": a.Documents} {
		f, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out, stderr, code := say(t, nil, "--account", filepath.Join(folder, "account.json"), "--instances", filepath.Join(folder, "instances.json"), "--documents", filepath.Join(folder, "documents.json"), "--output", "json")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	got := decoded(t, out)
	if got.Counts["requests"] != 80*60*9 || !got.Whole {
		t.Errorf("%v, whole %t", got.Counts, got.Whole)
	}
	verdicts := got.verdicts()
	for _, want := range []struct {
		role, instance int
		document       string
		allowed        bool
	}{
		{0, 0, "AWS-StartSSHSession", true}, {0, 30, "AWS-StartSSHSession", true}, {0, 1, "AWS-StartSSHSession", false}, {39, 30, "Corp-Shell", true}, {39, 30, "Corp-Database", false},
		{40, 1, "AWS-StartSSHSession", true}, {40, 2, "AWS-StartSSHSession", false}, {79, 1, "AWS-StartPortForwardingSessionToRemoteHost", false},
	} {
		at := a.RoleARN(want.role) + " " + a.InstanceID(want.instance) + " " + want.document
		if (verdicts[at] == "allowed") != want.allowed {
			t.Errorf("%s: %q, want %t", at, verdicts[at], want.allowed)
		}
	}
}

// standIn is an account of the stand-in for AWS with what policies can turn on.
func standIn(t *testing.T) world.World {
	t.Helper()
	text := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	one := func(name, statements string) []world.Policy {
		return []world.Policy{{Name: name, Document: text(statements)}}
	}
	all := `{"Effect":"Allow","Action":"*","Resource":"*"}`
	reads := `{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:SimulatePrincipalPolicy","ec2:Describe*","ssm:Describe*","ssm:Get*","ssm:List*"],"Resource":"*"}`
	tagged := `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/team":"${aws:PrincipalTag/team}"}}},{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`
	w := world.World{Account: "111122223333", Region: "eu-west-1",
		Policies: []world.Policy{{Name: "Forwards", Document: text(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::document/AWS-StartPort*"]}`)},
			{Name: "Limit", Document: text(reads + `,{"Effect":"Allow","Action":"ssm:StartSession","NotResource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`)}},
		Groups: []world.Group{{Name: "web", Attached: []string{"Forwards"}}, {Name: "closed", Inline: one("deny", `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"aws:ResourceTag/team":"db"}}}`)}},
		Users: []world.User{
			{Principal: world.Principal{Name: "admin", Inline: one("all", all)}},
			{Principal: world.Principal{Name: "ann", Tags: map[string]string{"team": "db"}, Inline: one("tagged", reads+","+tagged)}},
			{Principal: world.Principal{Name: "bob", Boundary: "Limit", Inline: one("all", all)}},
			{Principal: world.Principal{Name: "eve", Inline: one("reads", reads)}, Groups: []string{"web", "closed"}},
			{Principal: world.Principal{Name: "nobody", Inline: one("reads", reads)}},
		},
		Nodes: []world.Node{{ID: "i-00000000000000001", Ping: "Online", Tags: map[string]string{"team": "db"}}, {ID: "i-00000000000000002", Ping: "Online", Tags: map[string]string{"team": "web"}}},
	}
	for _, u := range w.Users {
		w.Logins = append(w.Logins, world.Login{Name: u.Name, Principal: "user/" + u.Name})
	}
	return w
}

// TestAgreesWithCheck: on an account of the stand-in, what who tells of everybody is what check tells
// each of them, who is asked with their own credentials.
func TestAgreesWithCheck(t *testing.T) {
	s := sandboxtest.ServedWorld(t, standIn(t))
	as := func(name string) []string {
		l, err := s.Login(name)
		if err != nil {
			t.Fatal(err)
		}
		environ := []string{"HOME=" + t.TempDir()}
		for _, v := range s.Environment(l) {
			environ = append(environ, v.Name+"="+v.Value)
		}
		return environ
	}
	out, stderr, code := say(t, as("admin"), "--output", "json", "--denied")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	verdicts := decoded(t, out).verdicts()
	seen, agreed := make(map[string]int), make(map[int]int)
	for _, user := range []string{"admin", "ann", "bob", "eve", "nobody"} {
		environ := as(user)
		for _, target := range []string{"i-00000000000000001", "i-00000000000000002"} {
			for _, document := range []string{"SSM-SessionManagerRunShell", "AWS-StartPortForwardingSession"} {
				told := verdicts["arn:aws:iam::111122223333:user/"+user+" "+target+" "+document]
				p := &env.Process{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Environ: append([]string{"AWS_EC2_METADATA_DISABLED=true"}, environ...)}
				got := exit.Code(check.Run(t.Context(), p, []string{"--target", target, "--document-name", document, "--no-cache"}))
				// A machine that is too busy for check's own deadline leaves it undecided, which contradicts nothing.
				if told == "" || told == "undecided" || told == "allowed" && got == 3 || told == "denied" && got == 0 {
					t.Errorf("%s on %s with %s: who says %q, check %d", user, target, document, told, got)
				}
				agreed[got]++
				seen[told]++
			}
		}
	}
	t.Logf("%v, exit codes of check %v", seen, agreed)
	if seen["allowed"] < 5 || seen["denied"] < 5 {
		t.Errorf("%v", seen)
	}
}

// TestThrottled: an account of which AWS does not give the rest ends with an answer about those who
// were read, and says that there may be more.
func TestThrottled(t *testing.T) {
	w := standIn(t)
	for n := range 900 {
		w.Users = append(w.Users, world.User{Principal: world.Principal{Name: fmt.Sprintf("u%03d", n), Attached: []string{"Forwards"}}})
	}
	for call := 3; call < 40; call++ {
		w.Faults = append(w.Faults, world.Fault{Operation: "iam:GetAccountAuthorizationDetails", Call: call, Kind: world.Throttle})
	}
	s := sandboxtest.ServedWorld(t, w)
	l, err := s.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"HOME=" + t.TempDir()}
	for _, v := range s.Environment(l) {
		environ = append(environ, v.Name+"="+v.Value)
	}
	out, stderr, code := say(t, environ, "--output", "json", "--target", "i-00000000000000001", "--document-name", "AWS-StartPortForwardingSession")
	if code != 4 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	a := decoded(t, out)
	if len(a.Principals) != 600 || a.Whole || len(a.Missing) != 1 || !strings.HasPrefix(a.Missing[0], "there may be more users, roles, groups and policies: iam:GetAccountAuthorizationDetails: Throttling") {
		t.Errorf("%d principals, whole %t, missing %q", len(a.Principals), a.Whole, a.Missing)
	}
	// The managed policy was on a page that did not come: nobody is taken for having none.
	if a.Counts["allowed"] != 2 || a.Counts["undecided"] < 590 {
		t.Errorf("%v", a.Counts)
	}
}

// TestHostileAccount: text of others in each part of an account stays text, in what is told and in
// what could not be read.
func TestHostileAccount(t *testing.T) {
	h, err := json.Marshal(safetexttest.Hostile)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(`{"UserDetailList":[{"UserName":H,"Arn":"arn:aws:iam::111122223333:user/x","GroupList":[H],"UserPolicyList":[{"PolicyName":H,"PolicyDocument":{"Version":H}},
		{"PolicyName":H,"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}],"AttachedManagedPolicies":[{"PolicyName":H,"PolicyArn":H}],"Tags":[{"Key":H,"Value":H}]},
		{"UserName":H},{"UserName":{}}],
		"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/r","AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":H},"Action":"sts:AssumeRole"}]},
		"RolePolicyList":[{"PolicyName":H,"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}],"PermissionsBoundary":{"PermissionsBoundaryArn":H}}],"Policies":[{"Arn":H}]}`, "H", string(h))
	folder := t.TempDir()
	account, instances := filepath.Join(folder, "a.json"), filepath.Join(folder, "i.json")
	for path, text := range map[string]string{account: text, instances: strings.ReplaceAll(`{"Reservations":[{"Instances":[{"InstanceId":H,"Tags":[{"Key":"Name","Value":H}]}]}]}`, "H", string(h))} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"text", "csv", "html", "json"} {
		out, stderr, code := say(t, nil, "--account", account, "--instances", instances, "--output", format, "--denied")
		if code != 4 || len(out) == 0 {
			t.Errorf("%s: exit code %d, %s", format, code, stderr)
		}
		for _, text := range []string{out, stderr} {
			if fault := safetexttest.Fault(text); fault != "" {
				t.Errorf("%s: %s", format, fault)
			}
		}
	}
	for _, words := range [][]string{{"--target", safetexttest.Hostile}, {"--principal", safetexttest.Hostile}, {"--account", safetexttest.Hostile}} {
		_, stderr, code := say(t, nil, append([]string{"--account", account, "--instances", instances}, words...)...)
		if fault := safetexttest.Fault(strings.TrimPrefix(stderr, "ssmguard: ")); code == 0 || fault != "" {
			t.Errorf("%q: exit code %d, %s", words, code, fault)
		}
	}
}
