package awscli

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Command says what a command line asks for.
type Command int

const (
	// Foreign is a command of the AWS CLI that is not ours: the real aws runs it.
	Foreign Command = iota
	StartSession
	ExecuteCommand
	Help     // the word help, anywhere
	Version  // --version
	Skeleton // --generate-cli-skeleton: the real aws prints it
)

// Globals are the options that every command has.
type Globals struct {
	Profile, Region *string // nil when not given; an empty region is an error of its own
	EndpointURL     string
	CABundle        string
	NoVerifySSL     bool
	NoSignRequest   bool
	ReadTimeout     int // seconds; 0 waits for ever; the default is 60
	ConnectTimeout  int // likewise
	Debug           bool
	Output          string
	ErrorFormat     string // legacy, json, yaml, text, table, enhanced, or "" for the configured one
	AutoPrompt      bool
}

// Parameter is one document parameter with its values.
type Parameter struct {
	Name   string
	Values []string
}

// Input is the request of StartSession as far as it is well typed.
type Input struct {
	Target, DocumentName, Reason string
	HasDocument                  bool // --document-name was given, perhaps empty
	Parameters                   []Parameter
}

// Execute is the request of ecs ExecuteCommand as far as it is well typed.
type Execute struct {
	Cluster, Container, Command, Task string
	Interactive                       bool
}

// Invocation is one command line of the AWS CLI, understood.
type Invocation struct {
	Command Command
	Service string // of the operation, such as ssm, if there is one
	Globals Globals
	Input   Input
	Execute Execute
	Lacks   bool // a required option is missing, see Env.Lenient
	// RequestJSON is the request as the CLI writes it: ASCII, keys in the model's order. It is argv[5] of the plugin and the body of the call.
	RequestJSON string
	// Refusal is the error of a CLI that knows only our commands; it serves when
	// a Foreign command finds no real aws.
	Refusal *UsageError

	request *mapping
	op      *operation
}

// Env is what parsing may look at outside the command line. Nil functions are
// taken as finding nothing.
type Env struct {
	Lookup   func(key string) (string, bool)   // environment variables, for ~ and $VAR in file names
	ReadFile func(path string) ([]byte, error) // os.ReadFile
	// Lenient lets a command line go without its required options, which Fill may
	// supply: then Invocation.Lacks.
	Lenient bool
}

// Parse reads the words after `aws`. The error is a *UsageError with the text and
// exit code of the AWS CLI v2. It checks everything that the CLI checks before it
// looks at the configuration; Validate checks the rest. The Invocation is never
// nil: beside an error it holds the globals that were understood.
func Parse(args []string, env Env) (*Invocation, error) {
	inv := &Invocation{}
	inv.Globals.Profile = earlyProfile(args)
	return inv, inv.parse(args, env)
}

// earlyProfile is the --profile of a command line, even of a wrong one: the CLI
// looks for it first.
func earlyProfile(args []string) *string {
	first, err := (&parser{options: []option{{flag: "--profile"}, {flag: "--debug", values: none}}}).parse(args)
	if err != nil || first.values["--profile"] == "" {
		return nil
	}
	profile := first.values["--profile"]
	return &profile
}

// parse is the first two passes: the globals and the command's name.
func (inv *Invocation) parse(args []string, env Env) error {
	if slices.Contains(args, "--cli-auto-prompt") && slices.Contains(args, "--no-cli-auto-prompt") {
		return paramValidation("Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.")
	}
	mainPass := &parser{options: globals, positional: "command", choices: services(), stop: "--version"}
	first, err := mainPass.parse(args)
	if err != nil {
		return inv.unlessForeign(err)
	}
	if first.stop {
		inv.Command = Version
		return nil
	}
	if err := inv.Globals.set(first); err != nil {
		return err
	}
	inv.Service = first.word
	if first.word == "help" {
		inv.Command = Help
		return nil
	}
	second, err := (&parser{positional: "operation", choices: operationNames(first.word)}).parse(first.rest)
	if err != nil {
		return inv.unlessForeign(err)
	}
	if second.word == "help" {
		inv.Command = Help
		return nil
	}
	inv.op = findOperation(first.word, second.word)
	return inv.operation(second.rest, env)
}

// services are the commands we know; operationNames the operations of one of them.
func services() []string {
	var out []string
	for _, op := range operations {
		out = append(out, op.service)
	}
	return append(out, "help")
}

func operationNames(service string) []string {
	var out []string
	for _, op := range operations {
		if op.service == service {
			out = append(out, op.name, "help")
		}
	}
	return out
}

// unlessForeign makes the refusal of a command that is not ours a property of the
// invocation: another aws may know the command.
func (inv *Invocation) unlessForeign(err error) error {
	if u, ok := err.(*UsageError); ok && u.Choice != "" {
		inv.Refusal = u
		return nil
	}
	return err
}

func (g *Globals) set(p *parsed) error {
	pointer := func(flag string) *string {
		if v, ok := p.values[flag]; ok {
			return &v
		}
		return nil
	}
	*g = Globals{
		Profile: pointer("--profile"), Region: pointer("--region"),
		EndpointURL: p.values["--endpoint-url"], CABundle: p.values["--ca-bundle"],
		NoVerifySSL: p.given["--no-verify-ssl"], NoSignRequest: p.given["--no-sign-request"],
		Debug: p.given["--debug"], Output: p.values["--output"],
		ErrorFormat: p.values["--cli-error-format"], AutoPrompt: p.given["--cli-auto-prompt"],
		ReadTimeout: defaultTimeout, ConnectTimeout: defaultTimeout,
	}
	if g.Profile != nil && *g.Profile == "" {
		g.Profile = nil
	}
	if p.given["--endpoint-url"] && !hasScheme(g.EndpointURL) {
		return paramValidation(`Bad value for --endpoint-url "` + g.EndpointURL +
			`": scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/`)
	}
	for _, t := range []struct {
		flag string
		to   *int
	}{{"--cli-read-timeout", &g.ReadTimeout}, {"--cli-connect-timeout", &g.ConnectTimeout}} {
		if !p.given[t.flag] {
			continue
		}
		n, ok := ParseInt(p.values[t.flag])
		if !ok {
			return &UsageError{Code: CodeOther, Message: t.flag + " wants a number of seconds, not " + Quote(p.values[t.flag])}
		}
		*t.to = n
	}
	return nil
}

// hasScheme reports whether a URL names a scheme.
func hasScheme(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || !(scheme[0]|0x20 >= 'a' && scheme[0]|0x20 <= 'z') {
		return false
	}
	_, err := url.Parse(scheme + ":")
	return err == nil
}

// ParseInt reads a number of the command line or of a configuration file, which
// may have blanks around it.
func ParseInt(s string) (n int, ok bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil
}

// operation is the third pass and what follows it: values and files.
func (inv *Invocation) operation(args []string, env Env) error {
	if len(args) == 1 && args[0] == "help" {
		inv.Command = Help
		return nil
	}
	all := requiresAll(args)
	p, err := inv.op.parser(all && !env.Lenient).parse(args)
	if err != nil {
		return err
	}
	if p.word == "help" {
		inv.Command = Help
		return nil
	}
	unknown := p.rest
	if p.word != "" {
		unknown = append(unknown, p.word)
	}
	if len(unknown) > 0 {
		u := paramValidation("Unknown options: " + strings.Join(unknown, ", "))
		u.Kind, u.Preface, u.Unknown = "", "\n"+usage+"\n", unknown
		return u
	}
	if p.given[skeleton] {
		inv.Command = Skeleton
		return nil
	}
	if inv.request, err = inv.op.request(p, env); err != nil {
		return err
	}
	inv.Command = inv.op.command
	for _, m := range inv.op.members {
		inv.Lacks = inv.Lacks || all && m.required && m.shape.kind != boolKind && !p.given[m.flag]
	}
	inv.RequestJSON = dump(inv.request)
	inv.Input, inv.Execute = inv.request.input(), inv.request.execute()
	return nil
}

// requiresAll reports whether required options must be given: not beside a whole
// request or a skeleton, spelled in full as a word of its own.
func requiresAll(args []string) bool {
	return !slices.ContainsFunc(args, func(a string) bool { return a == inputJSON || a == inputYAML || a == skeleton })
}
