package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/configs"
)

// tunnelOptions are the options of the tunnel commands. What a tunnel's
// configuration says too is overridden by them.
type tunnelOptions struct {
	Spot       configs.Tunnel // a tunnel of the command line; with names, what to change in theirs
	Plugin     string
	NoCache    bool
	Remote     bool   // other machines may connect
	Output     string // text or json
	Background bool
	RetryFor   time.Duration // what passes by itself, until it is ready; below 0: without end
	Format     string        // of `env`
	Token      bool
	document   string // of `add`
	parameters string
	Follow     bool
	Project    bool // add to the project's file
	Words      []string
	Command    []string // what follows "--"
	raw        []string // the words as they were typed
	ran        bool     // a command has run: its end is ours
}

func text[T any](field func(*T) *string) func(*T, string) error {
	return func(o *T, v string) error {
		if v == "" {
			return errors.New("want a value")
		}
		*field(o) = v
		return nil
	}
}

func number(field func(*tunnelOptions) *int, least, most int) func(*tunnelOptions, string) error {
	return func(o *tunnelOptions, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a number from %d to %d", least, most)
		}
		*field(o) = n
		return nil
	}
}

func chosen(field func(*tunnelOptions) *string, choices ...string) func(*tunnelOptions, string) error {
	return func(o *tunnelOptions, v string) error { return choose(field(o), v, choices...) }
}

func toggle(field func(*tunnelOptions) *bool) func(*tunnelOptions, string) error {
	return func(o *tunnelOptions, v string) error { return turn(field(o), v) }
}

// spotTable describes a tunnel on the command line.
var spotTable = []option[tunnelOptions]{
	{"--target", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Target })},
	{"--host", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Host })},
	{"--port", "", false, number(func(o *tunnelOptions) *int { return &o.Spot.Port }, 1, 65535)},
	{"--rds", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.RDS })},
	{"--elasticache", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.ElastiCache })},
	{"--reader", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Spot.Reader })},
	{"--local-port", "", false, number(func(o *tunnelOptions) *int { return &o.Spot.LocalPort }, 0, 65535)},
	{"--listen", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Listen })},
	{"--profile", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Profile })},
	{"--region", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Region })},
	{"--reason", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Reason })},
	{"--lanes", "", false, number(func(o *tunnelOptions) *int { return &o.Spot.Lanes }, 1, 16)},
	{"--wait", "", true, func(o *tunnelOptions, _ string) error { o.Spot.Wait = configs.DefaultWait; return nil }},
	{"--engine", "", false, chosen(func(o *tunnelOptions) *string { return &o.Spot.Engine }, engineNative, enginePlugin)},
	{"--guard", "SSMGUARD_GUARD", false, chosen(func(o *tunnelOptions) *string { return &o.Spot.Guard }, "on", "warn", "strict", "off")},
	{"--name", "", false, func(o *tunnelOptions, v string) error { o.Spot.Name = v; return configs.CheckName(v) }},
}

var retryTable = []option[tunnelOptions]{
	{"--retry-for", "", false, func(o *tunnelOptions, v string) (err error) {
		if o.RetryFor, err = time.ParseDuration(v); err != nil || o.RetryFor < 0 {
			return errors.New("want a duration such as 30s or 5m, 0 to try once")
		}
		return nil
	}},
}

// openTable is how a tunnel is opened.
var openTable = []option[tunnelOptions]{
	{"--plugin", "SSMGUARD_PLUGIN", false, text(func(o *tunnelOptions) *string { return &o.Plugin })},
	{"--no-cache", "SSMGUARD_NO_CACHE", true, toggle(func(o *tunnelOptions) *bool { return &o.NoCache })},
	{"--allow-remote", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Remote })},
}

var outputTable = []option[tunnelOptions]{
	{"--output", "", false, chosen(func(o *tunnelOptions) *string { return &o.Output }, "text", "json")},
}

var backgroundTable = []option[tunnelOptions]{
	{"--background", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Background })},
}

var followTable = []option[tunnelOptions]{
	{"--follow", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Follow })},
	{"-f", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Follow })},
}

// tunnelVerb is one command below `ssmguard tunnel`.
type tunnelVerb struct {
	name, usage, words string
	options            [][]option[tunnelOptions]
	command            bool          // a command may follow "--"
	retryFor           time.Duration // the default of --retry-for
	named              names         // what its words name
	run                func(p *process, ctx context.Context, o *tunnelOptions) error
}

const tunnelHelp = `A tunnel is a local port that leads to a port behind a bastion, and stays open
through lost connections. Tunnels are named in ~/.config/ssmguard/config.yaml and
in a project's .ssmguard.yaml, or given on the spot. A project's file is used when
nobody but you or root can write it, and replaces nothing of your own:

  ssmguard tunnel up --target bastion --host db.internal --port 5432 --local-port 15432

`

func tunnelCommand(p *process) *cli.Command {
	c := &cli.Command{
		Name: "tunnel", Usage: "open, keep and close tunnels", UsageText: "ssmguard tunnel COMMAND [NAME...] [options]",
		Description: tunnelHelp + verbList() + tunnelOptionHelp, SkipFlagParsing: true, HideHelp: true,
	}
	c.Action = func(ctx *cli.Context) error {
		words := ctx.Args().Slice()
		if asksForHelp(words) {
			return cli.ShowCommandHelp(ctx, "tunnel")
		}
		return p.tunnel(ctx.Context, words)
	}
	return c
}

// asksForHelp looks at what stands before a command that is to be run.
func asksForHelp(words []string) bool {
	if len(words) == 0 || words[0] == "help" || len(words) == 2 && words[1] == "help" {
		return true
	}
	return wantsHelp(words)
}

func verbList() string {
	var b strings.Builder
	for _, v := range tunnelVerbs() {
		fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(v.name+" "+v.words), v.usage)
	}
	return b.String()
}

// tunnel runs the words after `tunnel`.
func (p *process) tunnel(ctx context.Context, words []string) error {
	verbs := tunnelVerbs()
	at := slices.IndexFunc(verbs, func(v tunnelVerb) bool { return v.name == words[0] })
	if at < 0 {
		var names []string
		for _, v := range verbs {
			names = append(names, v.name)
		}
		if near := configs.Nearest(words[0], names); near != "" {
			return usagef("unknown command: tunnel %s; did you mean %q?", words[0], "tunnel "+near)
		}
		return usagef("unknown command: tunnel %s; known are: %s", words[0], strings.Join(names, ", "))
	}
	o, err := verbs[at].parse(words[1:], p.getenv)
	if err != nil {
		if words[0] == "up" && asksForJSON(words) {
			p.tellGaveUp(firstWords(words[1:]), err)
		}
		return err
	}
	err = ownVoice("tunnel", verbs[at].run(p, ctx, o), sessionFlags("ssm")...)
	var sig signalled
	if !o.ran && errors.As(context.Cause(ctx), &sig) && (err == nil || errors.Is(err, context.Canceled) || as[signalled](err)) {
		return endWith(128 + int(sig.signal)) // nothing but our output belongs on stdout
	}
	if as[*fs.PathError](err) && errors.Is(err, syscall.EPIPE) {
		return endWith(128 + int(syscall.SIGPIPE)) // nobody reads us any more, and wants no word about it
	}
	return err
}

// parse takes the verb's options out of the words after it.
func (v tunnelVerb) parse(words []string, getenv func(string) string) (*tunnelOptions, error) {
	o := &tunnelOptions{Spot: configs.Tunnel{LocalPort: -1}, Output: "text", RetryFor: v.retryFor, raw: words}
	rest, err := take(o, slices.Concat(v.options...), words, getenv)
	if err != nil {
		return nil, err
	}
	if at := slices.Index(rest, "--"); at >= 0 {
		o.Command = rest[at+1:]
		rest = rest[:at]
		if !v.command {
			return nil, usagef("tunnel %s runs no command; `tunnel run` does", v.name)
		}
	}
	for _, word := range rest {
		if strings.HasPrefix(word, "-") {
			var known []string
			for _, opt := range slices.Concat(v.options...) {
				known = append(known, opt.flag)
			}
			return nil, usagef("%s", unknownOption(word, known, fmt.Sprintf("; see %q", "ssmguard help tunnel")))
		}
	}
	o.Words = rest
	return o, nil
}

// readConfig reads the files that say what tunnels there are.
func (p *process) readConfig() (configs.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return configs.Config{}, configError(err)
	}
	c, err := configs.Load(configs.Places{UserFile: p.userFile(), Dir: dir, Getenv: p.lookup})
	if err != nil {
		return c, configError(err)
	}
	return c, nil
}

// loadConfig reads them for a command that names tunnels, or describes one on
// the spot. It fails when the command needs a project's file that is not used,
// and warns of what else is not used.
func (p *process) loadConfig(onTheSpot bool, names ...string) (configs.Config, error) {
	c, err := p.readConfig()
	if err != nil {
		return c, err
	}
	_, err = c.Select(names...)
	if onTheSpot && (err != nil || len(names) == 0) {
		err = c.Faulty() // its defaults would count
	}
	if as[*configs.UnusedError](err) {
		return c, configError(err)
	}
	p.warnOf(c, names)
	return c, nil
}

// warnOf tells of a project's file that is not used, wholly or in part.
func (p *process) warnOf(c configs.Config, names []string) {
	for _, text := range c.Warnings(names...) {
		fmt.Fprintf(p.stderr, "ssmguard: warning: %s\n", text)
	}
}

// configError is the error for files that cannot be used, each line of it one of ours.
func configError(err error) error {
	return coded(strings.ReplaceAll(err.Error(), "\n", "\nssmguard: "), exitConfig)
}

// nameError is the error for a name that no tunnel has, perhaps because the file
// that may have it is not used.
func nameError(err error) error {
	if as[*configs.UnusedError](err) {
		return configError(err)
	}
	return coded(err.Error(), exitUsage)
}

// userFile is the user's configuration file, "" without a home.
func (p *process) userFile() string {
	dir := p.userDir("XDG_CONFIG_HOME", ".config")
	if dir == "" {
		return ""
	}
	return configs.UserFile(dir)
}

// selected returns the tunnels that a command line is about: those of its names,
// with its options over theirs, or the one that its options describe.
func (o *tunnelOptions) selected(c configs.Config) ([]configs.Tunnel, error) {
	if len(o.Words) == 0 {
		t, err := o.described(c)
		return []configs.Tunnel{t}, err
	}
	tunnels, err := c.Select(o.Words...)
	if err != nil {
		return nil, nameError(err)
	}
	if len(tunnels) == 0 {
		return nil, usagef("no tunnel is in %s", strings.Join(o.Words, ", "))
	}
	s := o.Spot
	if len(tunnels) > 1 && (s.Target != "" || s.Host != "" || s.Port != 0 || s.RDS != "" || s.ElastiCache != "" || s.Reader || s.Listen != "" || s.LocalPort >= 0) {
		return nil, usagef("--target, --host, --port, --rds, --elasticache, --reader, --listen and --local-port are for one tunnel, not for %d", len(tunnels))
	}
	for i := range tunnels {
		tunnels[i] = o.over(tunnels[i])
		if err := cmp.Or(nearEnd(tunnels[i]), farEnd(tunnels[i])); err != nil {
			return nil, err
		}
	}
	return tunnels, nil
}

// spotName is the name of a tunnel that is given none.
const spotName = "tunnel"

// described is a tunnel that only the command line knows.
func (o *tunnelOptions) described(c configs.Config) (configs.Tunnel, error) {
	t := o.over(configs.Tunnel{Settings: c.Defaults, Name: cmp.Or(o.Spot.Name, spotName)})
	if t.Target == "" {
		return t, usagef("name a tunnel, or give --target and --port; see %q", "ssmguard help tunnel")
	}
	return t, cmp.Or(nearEnd(t), farEnd(t))
}

// nearEnd reports what is wrong with where a tunnel is to listen.
func nearEnd(t configs.Tunnel) error {
	if t.Listen != "" && t.LocalPort > 0 {
		return usagef("give one of --listen and --local-port")
	}
	if err := configs.CheckListen(t.Listen); err != nil {
		return usagef("--%v", err)
	}
	return nil
}

// farEnd reports what is wrong with where a tunnel leads, once options and
// configuration are put together.
func farEnd(t configs.Tunnel) error {
	lookup := t.RDS != "" || t.ElastiCache != ""
	switch {
	case lookup && t.Host != "", t.RDS != "" && t.ElastiCache != "":
		return usagef("give one of --host, --rds and --elasticache")
	case t.Port == 0 && !lookup:
		return usagef("--port is missing: the port on the far side")
	case t.Reader && !lookup:
		return usagef("--reader is for --rds and --elasticache")
	}
	return nil
}

// over lays the options of the command line over a tunnel's configuration.
func (o *tunnelOptions) over(t configs.Tunnel) configs.Tunnel {
	s := o.Spot
	t.Target, t.Reason, t.Guard = cmp.Or(s.Target, t.Target), cmp.Or(s.Reason, t.Reason), cmp.Or(s.Guard, t.Guard)
	t.Profile, t.Region, t.Engine = cmp.Or(s.Profile, t.Profile), cmp.Or(s.Region, t.Region), cmp.Or(s.Engine, t.Engine)
	t.Lanes, t.Wait, t.Port = cmp.Or(s.Lanes, t.Lanes), cmp.Or(s.Wait, t.Wait), cmp.Or(s.Port, t.Port)
	if s.Host != "" || s.RDS != "" || s.ElastiCache != "" {
		t.Host, t.RDS, t.ElastiCache, t.Reader = s.Host, s.RDS, s.ElastiCache, false
	}
	if s.RDS != "" || s.ElastiCache != "" {
		t.Port = s.Port // that of the configuration is another database's
	}
	t.Reader = t.Reader || s.Reader
	if s.Listen != "" || s.LocalPort >= 0 {
		t.Listen, t.LocalPort = s.Listen, max(s.LocalPort, 0)
	}
	return t
}
