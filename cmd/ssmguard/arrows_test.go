package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "ssmguard/"

type arrow struct {
	from   string
	never  []string
	except []string
	why    string
}

// arrows is the import table of the house: a package of ours (or a folder, with
// "/...") must never reach a package whose path starts with one of never.
// Exceptions in except win. Test files are not looked at.
var arrows = []arrow{
	{"guard/policy", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, []string{"ssmguard/guard/policy/"},
		"it is fuzzed, trusted and reused: standard library only"},
	{"guard/policy/scan", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"JSON is read without knowing what it says"},
	{"guard/policy/scalar", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"a value is read without knowing who compares it"},
	{"guard/policy/automata", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"it tells texts apart without knowing what they are for"},
	{"guard/policy/source", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, []string{"ssmguard/guard/policy/scan"},
		"a policy's text is edited without knowing what it means"},
	{"guard", []string{"github.com/", "ssmguard/guard/finding", "ssmguard/guard/repair", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox"}, nil,
		"deciding is pure: no SDK, no session, no configuration"},
	{"guard/finding", []string{"github.com/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox", "ssmguard/guard/repair"}, nil,
		"what a denial means is told without doing anything about it"},
	{"guard/repair", []string{"github.com/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox", "ssmguard/guard/finding"}, nil,
		"a repair is proven by the evaluator, not by the words of a denial"},
	{"guard/route", []string{"ssmguard/", "github.com/", "golang.org/x/", "go.yaml.in/"}, []string{"ssmguard/internal/safetext"},
		"whether a way is open is decided without asking anybody"},
	{"guard/lint", []string{"github.com/", "golang.org/x/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox", "ssmguard/guard/finding", "ssmguard/guard/repair"}, nil,
		"a policy's text is looked at without a request, a decision or a denial"},
	{"guard/prove", []string{"github.com/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox", "ssmguard/guard/finding", "ssmguard/guard/repair"}, nil,
		"a proof is made of guard's verdicts and nothing else"},
	{"guard/reach", []string{"github.com/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox", "ssmguard/guard/awsiam", "ssmguard/guard/finding", "ssmguard/guard/repair"}, nil,
		"who can open what is made of guard's verdicts, whoever has read the account"},
	{"internal/sandbox/account", []string{"github.com/aws/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam"}, nil,
		"the stand-in for AWS must not share code with the client it tests"},
	{"internal/sandbox/api", []string{"github.com/aws/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox/account", "ssmguard/internal/sandbox/databases", "ssmguard/internal/sandbox/gateway"}, nil,
		"requests are taken in alike for every service"},
	{"internal/sandbox/databases", []string{"github.com/aws/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/internal/sandbox/account", "ssmguard/internal/sandbox/gateway"}, nil,
		"a service knows the others as little as AWS's do"},
	{"internal/sandbox/network", []string{"github.com/aws/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/guard/awsiam", "ssmguard/guard/route", "ssmguard/internal/sandbox/account", "ssmguard/internal/sandbox/databases", "ssmguard/internal/sandbox/gateway"}, nil,
		"what the stand-in lets through is decided without the code that it tests"},
	{"guard/awsiam", []string{"ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox"}, nil,
		"evidence is gathered without knowing what will run"},
	{"internal/awsapi", []string{"ssmguard/", "github.com/urfave/"}, nil,
		"guard and proxy both call AWS by it; it knows neither"},
	{"internal/awsjson", []string{"ssmguard/", "github.com/"}, nil,
		"how the AWS CLI writes JSON is known to proxy and cmd alike"},
	{"internal/screen", []string{"ssmguard/", "github.com/", "golang.org/x/"}, []string{"ssmguard/internal/safetext"},
		"how lines are broken is known to every room that draws"},
	{"internal/peer", []string{"ssmguard/", "github.com/", "golang.org/x/"}, nil,
		"whose a connection is, is asked by every listener; it knows none"},
	{"proxy/upgrade", []string{"ssmguard/", "github.com/aws/"}, nil,
		"both engines open their websockets by it; it knows neither"},
	{"internal/private", []string{"ssmguard/", "github.com/", "golang.org/x/"}, nil,
		"every room keeps its files by it; it knows none"},
	{"internal/spelling", []string{"ssmguard/", "github.com/"}, nil,
		"guard and configs both ask it; it knows neither"},
	{"internal/safetext", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, []string{"ssmguard/internal/nettext"},
		"whatever puts text together asks it; it knows nothing of the text"},
	{"internal/nettext", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"whoever tells of a connection asks it; it knows nobody who does"},
	{"internal/self", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"every room that starts the program again asks it; it starts nothing"},
	{"internal/usertext", []string{"ssmguard/", "github.com/", "go.yaml.in/", "golang.org/x/"}, nil,
		"a text is read without knowing what it says"},
	{"internal/yamlfile", []string{"ssmguard/", "github.com/"}, []string{"ssmguard/internal/spelling", "ssmguard/internal/safetext", "ssmguard/internal/usertext"},
		"what is wrong is told alike in every file that a user writes"},
	{"proxy", []string{"github.com/", "go.yaml.in/", "golang.org/x/", "ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal", "ssmguard/proxy/"}, nil,
		"a session knows nothing of permissions"},
	{"proxy/awsssm", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox"}, nil,
		"opening a session is not asking for it"},
	{"proxy/plugin", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox"}, nil,
		"the plugin runs what was allowed"},
	{"proxy/channel", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "github.com/aws/", "ssmguard/internal/sandbox"}, nil,
		"the protocol needs bytes and a signature, no SDK"},
	{"proxy/channel/wire", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal", "ssmguard/proxy/", "github.com/", "golang.org/x/"}, nil,
		"how messages are written is known to both ends, the stand-in's too"},
	{"proxy/channel/reliable", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal", "ssmguard/proxy/", "github.com/", "golang.org/x/"}, []string{"ssmguard/proxy/channel/wire", "github.com/gorilla/websocket"},
		"order and loss are decided without a connection"},
	{"proxy/channel/localend", []string{"ssmguard/", "github.com/"}, []string{"ssmguard/internal/peer"},
		"the system is asked about a connection without knowing what it carries"},
	{"proxy/awsdb", []string{"ssmguard/"}, []string{"ssmguard/internal/awsapi"},
		"where a database listens has nothing to do with sessions"},
	{"proxy/socks", []string{"ssmguard/", "github.com/", "golang.org/x/", "go.yaml.in/"}, nil,
		"what a client asks for is read without knowing who connects it"},
	{"proxy/door", []string{"ssmguard/", "github.com/"}, []string{"ssmguard/internal/peer", "ssmguard/internal/nettext"},
		"the local end outlives every session and knows none"},
	{"internal/sandbox/world", []string{"ssmguard/", "github.com/", "golang.org/x/"}, []string{"ssmguard/internal/yamlfile", "ssmguard/internal/spelling", "ssmguard/internal/safetext", "ssmguard/internal/usertext"},
		"what there is in an account is data; account decides over it"},
	{"internal/sandbox/gateway", []string{"ssmguard/guard", "ssmguard/configs", "ssmguard/cmd", "github.com/aws/"}, nil,
		"the stand-in gateway must not share code with the plugin it tests"},
	{"configs", []string{"ssmguard/guard", "ssmguard/proxy", "ssmguard/cmd", "ssmguard/internal/sandbox", "github.com/aws/"}, nil,
		"what a user writes; cli translates"},
	{"internal/sandbox", []string{"github.com/aws/", "ssmguard/guard/awsiam", "ssmguard/guard/finding", "ssmguard/guard/repair", "ssmguard/proxy/plugin", "ssmguard/proxy/channel", "ssmguard/configs", "ssmguard/cmd"}, []string{"ssmguard/proxy/channel/wire"},
		"a stand-in shares no code with what it tests"},
	{"cmd/internal/awscli", []string{"ssmguard/guard", "ssmguard/proxy", "ssmguard/internal/sandbox", "ssmguard/cmd/"}, nil,
		"the AWS CLI's grammar knows nobody who uses it"},
	{"cmd/internal/awsconf", []string{"ssmguard/guard", "ssmguard/proxy", "ssmguard/internal/sandbox", "ssmguard/cmd/"}, []string{"ssmguard/cmd/internal/awscli"},
		"whose credentials and which region is asked for nobody in particular"},
	{"cmd/internal/report", []string{"github.com/aws/", "ssmguard/cmd", "ssmguard/internal/sandbox"}, nil,
		"facts in, bytes out"},
	{"cmd/internal/env", []string{"ssmguard/guard", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd/", "ssmguard/internal/sandbox"}, []string{"ssmguard/cmd/internal/awsconf", "ssmguard/cmd/internal/awscli"},
		"what a process has is there before any command"},
	{"cmd/internal/exit", []string{"ssmguard/cmd/internal/ask", "ssmguard/internal/sandbox"}, nil,
		"an end is told alike by every room, so it knows none"},
	{"cmd/internal/command", []string{"ssmguard/cmd/internal/ask", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/configs", "ssmguard/internal/sandbox"}, nil,
		"every room declares commands by it, so it knows none"},
	{"cmd/internal/program", []string{"ssmguard/cmd/internal/ask", "ssmguard/internal/sandbox"}, nil,
		"it starts what it is told to"},
	{"cmd/internal/relay", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"a plugin's sessions are carried for whoever has opened them"},
	{"cmd/internal/dynamic", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"clients are connected to what was allowed, by whoever opened the proxy"},
	{"cmd/internal/dial", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/check", "ssmguard/internal/sandbox"}, nil,
		"a channel carries what was allowed"},
	{"cmd/internal/ask", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/proxy/channel", "ssmguard/internal/sandbox"}, nil,
		"a question is asked alike whoever asks it, and opens nothing"},
	{"cmd/internal/session", []string{"ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"one session is carried without knowing tunnels"},
	{"cmd/internal/check", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"asking starts nothing"},
	{"cmd/internal/who", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"an account is asked about without a session"},
	{"cmd/internal/casefile", []string{"github.com/", "golang.org/x/", "go.yaml.in/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox", "ssmguard/guard/awsiam", "ssmguard/guard/finding", "ssmguard/guard/repair"}, nil,
		"what is kept is opened without AWS, by whoever has it"},
	{"cmd/internal/policyfile", []string{"github.com/", "golang.org/x/", "ssmguard/proxy", "ssmguard/configs", "ssmguard/cmd", "ssmguard/internal/sandbox", "ssmguard/guard/awsiam", "ssmguard/guard/finding", "ssmguard/guard/repair"}, nil,
		"policies are read without deciding what they allow"},
	{"cmd/internal/lint", []string{"ssmguard/configs", "ssmguard/cmd/internal/ask", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"text is looked at without asking anybody"},
	{"cmd/internal/keeper", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/session", "ssmguard/internal/sandbox"}, nil,
		"what is kept is told of without being opened"},
	{"cmd/internal/live", []string{"github.com/", "ssmguard/configs", "ssmguard/internal/sandbox", "ssmguard/cmd/internal/keeper", "ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/ask", "ssmguard/proxy/channel"}, nil,
		"what is shown comes as rows and events"},
	{"cmd/internal/pick", []string{"ssmguard/internal/sandbox", "ssmguard/cmd/internal/ask", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/keeper"}, nil,
		"a list is chosen from without knowing what it lists"},
	{"cmd/internal/trust", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/ask", "ssmguard/internal/sandbox"}, nil,
		"what a file would do is shown without doing it"},
	{"cmd/internal/tunnelfile", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"a file is changed without opening what it has"},
	{"cmd/internal/migrate", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, []string{"ssmguard/cmd/internal/tunnelfile"},
		"what others have is written down, and opened by nobody"},
	{"cmd/internal/health", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/internal/sandbox"}, nil,
		"whoever asks changes nothing"},
	{"cmd/internal/service", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/ask", "ssmguard/internal/sandbox"}, nil,
		"a service is described; its manager opens the tunnel"},
	{"cmd/internal/tunnelstate", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/internal/sandbox"}, []string{"ssmguard/cmd/internal/tunnelfile"},
		"what is open is told of without being opened"},
	{"cmd/internal/tunnel", []string{"ssmguard/cmd/internal/check", "ssmguard/internal/sandbox"}, nil,
		"a tunnel is opened, not explained"},
	{"cmd/internal/database", []string{"ssmguard/cmd/internal/ask", "ssmguard/cmd/internal/session", "ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/check", "ssmguard/proxy/channel", "ssmguard/internal/sandbox"}, nil,
		"how clients connect is told without a session"},
	{"cmd/internal/bastion", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/check", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox", "ssmguard/proxy/channel"}, nil,
		"a target is looked at and chosen without opening a session to it"},
	{"cmd/internal/doctor", []string{"ssmguard/cmd/internal/session", "ssmguard/cmd/internal/tunnel", "ssmguard/internal/sandbox"}, nil,
		"it looks, and starts nothing"},
	{"cmd/internal/completion", []string{"ssmguard/internal/sandbox"}, []string{"ssmguard/internal/sandbox/world"},
		"it knows every room's options and the worlds' names, and no room knows it"},
	{"cmd/internal/alias", []string{"ssmguard/cmd/internal/tunnel", "ssmguard/cmd/internal/check", "ssmguard/internal/sandbox"}, nil,
		"it writes files for others"},
	{"cmd/internal/sandbox", []string{"ssmguard/cmd/internal/ask", "ssmguard/cmd/internal/session"}, nil,
		"it starts the stand-in, and is no client of it"},
	{"cmd/internal/cli", []string{"github.com/aws/session-manager-plugin"}, []string{"ssmguard/proxy/plugin"},
		"the plugin is reached through proxy/plugin alone"},
}

func TestArrows(t *testing.T) {
	imports := importGraph(t)
	for _, a := range arrows {
		from := module + a.from
		if _, ok := imports[from]; !ok {
			t.Errorf("%s: no such package", from)
			continue
		}
		for _, path := range offending(imports, from, a.never, a.except) {
			t.Errorf("%s must not reach %s (%s):\n\t%s", a.from, path[len(path)-1], a.why, strings.Join(path, " -> "))
		}
	}
}

// TestArrowsNotice: an import that the design forbids is noticed in every package. Each
// edge is put into the graph of the imports that there are.
func TestArrowsNotice(t *testing.T) {
	sdk, x := []string{"github.com/aws/aws-sdk-go-v2/aws"}, []string{"golang.org/x/term"}
	ours := func(names ...string) []string {
		for i, name := range names {
			names[i] = module + name
		}
		return names
	}
	forbidden := map[string][][]string{
		"guard/policy":          {sdk, x, {"go.yaml.in/yaml/v3"}, ours("guard", "internal/spelling", "proxy")},
		"guard":                 {sdk, ours("guard/finding", "guard/repair", "guard/awsiam", "proxy", "configs", "internal/sandbox/world", "cmd/internal/env")},
		"guard/finding":         {sdk, ours("guard/repair", "guard/awsiam", "proxy", "configs", "internal/sandbox/world", "cmd/internal/env")},
		"guard/repair":          {sdk, ours("guard/finding", "guard/awsiam", "proxy", "configs", "internal/sandbox/world", "cmd/internal/env")},
		"guard/prove":           {sdk, ours("guard/finding", "guard/repair", "guard/awsiam", "proxy", "configs", "cmd/internal/env")},
		"guard/reach":           {sdk, ours("guard/finding", "guard/repair", "guard/awsiam", "proxy", "configs", "cmd/internal/env")},
		"guard/awsiam":          {ours("proxy", "configs", "internal/sandbox/account", "cmd/internal/env")},
		"proxy":                 {sdk, x, {"go.yaml.in/yaml/v3", "github.com/aws/session-manager-plugin/src/log"}, ours("guard", "guard/policy", "proxy/plugin", "internal/awsapi", "configs", "cmd/internal/env")},
		"proxy/awsssm":          {ours("guard", "configs", "internal/sandbox/api", "cmd/internal/env")},
		"proxy/plugin":          {ours("guard", "configs", "internal/sandbox/gateway", "cmd/internal/env")},
		"proxy/channel":         {sdk, ours("guard", "guard/awsiam", "configs", "internal/sandbox/gateway", "cmd/internal/env")},
		"proxy/channel/wire":    {sdk, x, ours("proxy/channel", "guard")},
		"proxy/upgrade":         {sdk, ours("proxy/channel", "proxy/plugin")},
		"proxy/door":            {sdk, ours("guard", "proxy", "proxy/channel")},
		"proxy/awsdb":           {ours("guard", "proxy", "configs")},
		"configs":               {sdk, ours("guard", "guard/policy", "proxy", "internal/sandbox/world", "cmd/internal/env")},
		"internal/sandbox":      {sdk, ours("guard/awsiam", "proxy/channel", "proxy/plugin", "configs", "cmd/internal/env")},
		"internal/awsapi":       {ours("guard", "proxy")},
		"internal/peer":         {x, ours("proxy/door", "internal/sandbox", "cmd/internal/env")},
		"cmd/internal/awscli":   {ours("guard", "guard/awsiam", "guard/policy", "proxy", "proxy/awsssm", "internal/sandbox", "cmd/internal/awsconf")},
		"cmd/internal/awsconf":  {ours("guard", "guard/awsiam", "guard/policy", "proxy", "proxy/awsssm", "internal/sandbox", "cmd/internal/env")},
		"cmd/internal/report":   {sdk, ours("internal/sandbox", "cmd/internal/ask", "cmd/internal/env")},
		"cmd/internal/ask":      {ours("cmd/internal/session", "cmd/internal/check", "cmd/internal/tunnel", "proxy/channel", "internal/sandbox")},
		"cmd/internal/session":  {ours("cmd/internal/check", "cmd/internal/tunnel", "internal/sandbox")},
		"cmd/internal/check":    {ours("cmd/internal/tunnel", "internal/sandbox")},
		"cmd/internal/who":      {ours("cmd/internal/session", "cmd/internal/check", "cmd/internal/tunnel", "internal/sandbox")},
		"cmd/internal/keeper":   {ours("cmd/internal/tunnel", "cmd/internal/session")},
		"cmd/internal/live":     {ours("configs", "cmd/internal/keeper", "cmd/internal/tunnel", "cmd/internal/ask", "proxy/channel", "internal/sandbox")},
		"cmd/internal/pick":     {ours("cmd/internal/ask", "cmd/internal/session", "cmd/internal/tunnel", "cmd/internal/keeper", "internal/sandbox")},
		"cmd/internal/trust":    {ours("cmd/internal/session", "cmd/internal/check", "cmd/internal/tunnel", "internal/sandbox")},
		"cmd/internal/migrate":  {ours("cmd/internal/session", "cmd/internal/check", "cmd/internal/tunnel", "internal/sandbox")},
		"cmd/internal/tunnel":   {ours("cmd/internal/check", "internal/sandbox")},
		"cmd/internal/database": {ours("cmd/internal/ask", "cmd/internal/session", "cmd/internal/tunnel", "proxy/channel", "internal/sandbox")},
		"cmd/internal/cli":      {{"github.com/aws/session-manager-plugin/src/log"}},

		"guard/route":             {sdk, x, ours("guard", "guard/policy", "guard/awsiam", "proxy", "configs", "cmd/internal/env")},
		"guard/lint":              {sdk, x, ours("guard/finding", "guard/repair", "guard/awsiam", "cmd/internal/policyfile")},
		"cmd/internal/policyfile": {sdk, x, ours("guard/finding", "guard/repair", "proxy", "configs", "cmd/internal/check", "cmd/internal/ask")},
	}
	imports := importGraph(t)
	for from, edges := range forbidden {
		for _, to := range slices.Concat(edges...) {
			if _, ok := imports[to]; !ok && strings.HasPrefix(to, module) {
				t.Errorf("%s: no such package", to)
			}
			planted := maps.Clone(imports)
			planted[module+from] = append(slices.Clone(imports[module+from]), to)
			if !slices.ContainsFunc(arrows, func(a arrow) bool {
				return a.from == from && len(offending(planted, module+from, a.never, a.except)) > 0
			}) {
				t.Errorf("%s may import %s", from, to)
			}
		}
	}
}

// TestLibrariesKeepToThemselves: what guard, configs and proxy do not call, for it
// belongs to main. The plugin's own process is its main.
func TestLibrariesKeepToThemselves(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{$d := .Dir}}{{$p := .ImportPath}}{{range .GoFiles}}{{$p}} {{$d}}/{{.}}{{"\n"}}{{end}}`,
		module+"guard/...", module+"proxy/...", module+"configs/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	mains := regexp.MustCompile(`^(os\.(Exit|Args|Stdin|Stdout|Stderr|Getenv|LookupEnv|Environ)|fmt\.Print(f|ln)?|log\.(Print|Fatal|Panic)(f|ln)?)$`)
	files := 0
	for line := range strings.Lines(string(out)) {
		pkg, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || pkg == module+"proxy/plugin" {
			continue
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		pure := pkg == module+"guard/finding" || pkg == module+"guard/repair" || pkg == module+"guard/policy" || pkg == module+"guard"
		for _, i := range file.Imports {
			if pure && strings.HasPrefix(strings.Trim(i.Path.Value, `"`), "os") {
				t.Errorf("%s: deciding looks at no file", fset.Position(i.Pos()))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if use, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := use.X.(*ast.Ident); ok && mains.MatchString(of.Name+"."+use.Sel.Name) {
					t.Errorf("%s: %s.%s is main's", fset.Position(n.Pos()), of.Name, use.Sel.Name)
				}
			}
			return true
		})
	}
	if files < 80 {
		t.Errorf("only %d files were read", files)
	}
}

// TestOnlyPluginImportsPlugin holds the second half of the table: one importer each,
// or none, of what internal/awsapi stands in for.
func TestOnlyPluginImportsPlugin(t *testing.T) {
	only := map[string]string{
		"github.com/aws/session-manager-plugin":                   module + "proxy/plugin",
		"github.com/aws/aws-sdk-go-v2/service/iam":                module + "guard/awsiam",
		"github.com/aws/aws-sdk-go-v2/service/ec2instanceconnect": "",
		"github.com/aws/aws-sdk-go-v2/service/ec2":                "",
		"github.com/aws/aws-sdk-go-v2/service/ssm":                "",
		"github.com/aws/aws-sdk-go-v2/service/kms":                module + "proxy/plugin", // the plugin's own type
		"github.com/aws/aws-sdk-go-v2/service/ecs":                "",
		"github.com/aws/aws-sdk-go-v2/service/organizations":      "",
		"github.com/aws/aws-sdk-go-v2/service/rds":                "",
		"github.com/aws/aws-sdk-go-v2/service/elasticache":        "",
	}
	for pkg, deps := range importGraph(t) {
		for dep, owner := range only {
			for _, d := range deps {
				if strings.HasPrefix(pkg, module) && pkg != owner && (d == dep || strings.HasPrefix(d, dep+"/")) {
					t.Errorf("%s imports %s; only %s may", pkg, d, owner)
				}
			}
		}
	}
}

// TestAskedFor holds what the house was asked to have: its top level, and the modules
// that it is built on, required by itself and reached from the program.
func TestAskedFor(t *testing.T) {
	for _, name := range []string{"cmd", "guard", "proxy", "configs", "go.mod", "go.sum", "install.sh"} {
		if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
			t.Error(err)
		}
	}
	out, err := exec.Command("go", "mod", "edit", "-json", "../../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	direct := make(map[string]bool)
	for _, r := range mod.Require {
		direct[r.Path] = !r.Indirect
	}
	imports := importGraph(t)
	for required, reached := range map[string]string{
		"github.com/aws/session-manager-plugin":    "github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session",
		"github.com/aws/aws-sdk-go-v2":             "github.com/aws/aws-sdk-go-v2/aws",
		"github.com/aws/aws-sdk-go-v2/service/iam": "github.com/aws/aws-sdk-go-v2/service/iam",
		"github.com/urfave/cli/v2":                 "github.com/urfave/cli/v2",
	} {
		if !direct[required] {
			t.Errorf("%s is no direct requirement", required)
		}
		if len(offending(imports, module+"cmd/ssmguard", []string{reached}, nil)) == 0 {
			t.Errorf("cmd/ssmguard does not reach %s", reached)
		}
	}
	if source, err := os.ReadFile("../../guard/awsiam/services.go"); err != nil || !strings.Contains(string(source), "SimulatePrincipalPolicy") {
		t.Errorf("IAM's simulation is not asked: %v", err)
	}
}

// TestMethodsCanBeLeftOut: what calls methods by names that the linker cannot know, as
// text/template does, makes the linker keep every exported method that an interface has
// room for, and the program was larger by a third.
func TestMethodsCanBeLeftOut(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program")
	}
	link := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "ssmguard"), "-ldflags=-dumpdep", ".")
	out, err := link.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-2000):])
	}
	reached := 0
	for line := range strings.Lines(string(out)) {
		from, to, ok := strings.Cut(line, " -> ")
		if ok && strings.Contains(to, "<ReflectMethod>") {
			t.Errorf("%s reaches %s", from, strings.TrimSpace(to))
		}
		if ok {
			reached++
		}
	}
	if reached < 10_000 { // the linker writes what reaches what, in a hundred thousand lines
		t.Errorf("the linker wrote %d lines", reached)
	}
}

// TestNothingIsCompiledAtStart: every command would pay for a regular expression
// of a package's own; sync.OnceValue compiles it when it is first needed.
func TestNothingIsCompiledAtStart(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		if name == "" { // between packages
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if _, isFunc := d.(*ast.FuncDecl); isFunc {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "MustCompile" {
					t.Errorf("%s: compiled at every start", fset.Position(n.Pos()))
				}
				_, later := n.(*ast.FuncLit)
				return !later
			})
		}
	}
}

// TestRooms: every folder says in its doc.go what it is for, and no room outgrows
// what a newcomer reads through.
func TestRooms(t *testing.T) {
	const mostLines, mostFiles = 4000, 35
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{.Dir}} {{range .GoFiles}}{{.}} {{end}}{{range .IgnoredGoFiles}}{{.}} {{end}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		name, dir, files := f[0], f[1], f[2:]
		lines := 0
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += strings.Count(string(text), "\n")
		}
		if !slices.Contains(files, "doc.go") && name != module+"cmd/ssmguard" {
			t.Errorf("%s has no doc.go", name)
		}
		if lines > mostLines || len(files) > mostFiles {
			t.Errorf("%s has %d lines in %d files; cut it by meaning", name, lines, len(files))
		}
	}
}

// importGraph maps every package in the build to its direct imports.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	graph := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		graph[f[0]] = f[1:]
	}
	return graph
}

// offending returns, for each forbidden package reached from a package, the shortest way there.
func offending(graph map[string][]string, from string, never, except []string) [][]string {
	var bad [][]string
	seen := map[string]bool{from: true}
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		for _, dep := range graph[way[len(way)-1]] {
			if seen[dep] || hasPrefix(dep, except) {
				continue
			}
			seen[dep] = true
			next := append(way[:len(way):len(way)], dep)
			if hasPrefix(dep, never) {
				bad = append(bad, next)
				continue
			}
			queue = append(queue, next)
		}
	}
	return bad
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// TestScriptsAreListed: CONTRIBUTING.md lists every script of .ci.
func TestScriptsAreListed(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("../../.ci")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode()&0o100 == 0 || f.IsDir() {
			continue // what a script reads
		}
		if !strings.Contains(string(text), "`.ci/"+f.Name()) && !strings.Contains(string(text), ".ci/"+f.Name()+" ") {
			t.Errorf(".ci/%s is not listed", f.Name())
		}
	}
}

// TestWalk: the README names files and folders that are there.
func TestWalk(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walk, _ := strings.Cut(string(text), "\n## A walk through the house\n")
	walk, _, _ = strings.Cut(walk, "\n## ")
	rooms := 0
	for i, name := range strings.Split(walk, "`") {
		if i%2 == 0 || !strings.Contains(name, "/") || strings.Contains(name, " ") {
			continue
		}
		rooms++
		if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
			t.Error(err)
		}
	}
	if rooms < 7 {
		t.Errorf("only %d places are named", rooms)
	}
}
