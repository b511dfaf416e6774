package tunnel

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

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/spelling"
)

// Options are the options of the tunnel commands. What a tunnel's
// configuration says too is overridden by them.
type Options struct {
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

func number(field func(*Options) *int, least, most int) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a number from %d to %d", least, most)
		}
		*field(o) = n
		return nil
	}
}

func chosen(field func(*Options) *string, choices ...string) func(*Options, string) error {
	return func(o *Options, v string) error { return ask.Choose(field(o), v, choices...) }
}

func toggle(field func(*Options) *bool) func(*Options, string) error {
	return func(o *Options, v string) error { return ask.Turn(field(o), v) }
}

// spotTable describes a tunnel on the command line.
var spotTable = []ask.Option[Options]{
	{Flag: "--target", Set: ask.Text(func(o *Options) *string { return &o.Spot.Target })},
	{Flag: "--host", Set: ask.Text(func(o *Options) *string { return &o.Spot.Host })},
	{Flag: "--port", Set: number(func(o *Options) *int { return &o.Spot.Port }, 1, 65535)},
	{Flag: "--rds", Set: ask.Text(func(o *Options) *string { return &o.Spot.RDS })},
	{Flag: "--elasticache", Set: ask.Text(func(o *Options) *string { return &o.Spot.ElastiCache })},
	{Flag: "--reader", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.Spot.Reader })},
	{Flag: "--local-port", Set: number(func(o *Options) *int { return &o.Spot.LocalPort }, 0, 65535)},
	{Flag: "--listen", Set: ask.Text(func(o *Options) *string { return &o.Spot.Listen })},
	{Flag: "--profile", Set: ask.Text(func(o *Options) *string { return &o.Spot.Profile })},
	{Flag: "--region", Set: ask.Text(func(o *Options) *string { return &o.Spot.Region })},
	{Flag: "--reason", Set: ask.Text(func(o *Options) *string { return &o.Spot.Reason })},
	{Flag: "--lanes", Set: number(func(o *Options) *int { return &o.Spot.Lanes }, 1, 16)},
	{Flag: "--wait", IsSwitch: true, Set: func(o *Options, _ string) error { o.Spot.Wait = configs.DefaultWait; return nil }},
	{Flag: "--engine", Set: chosen(func(o *Options) *string { return &o.Spot.Engine }, ask.EngineNative, ask.EnginePlugin)},
	{Flag: "--guard", Env: "SSMGUARD_GUARD", Set: chosen(func(o *Options) *string { return &o.Spot.Guard }, "on", "warn", "strict", "off")},
	{Flag: "--name", Set: func(o *Options, v string) error { o.Spot.Name = v; return configs.CheckName(v) }},
}

var retryTable = []ask.Option[Options]{
	{Flag: "--retry-for", Set: func(o *Options, v string) (err error) {
		if o.RetryFor, err = time.ParseDuration(v); err != nil || o.RetryFor < 0 {
			return errors.New("want a duration such as 30s or 5m, 0 to try once")
		}
		return nil
	}},
}

// openTable is how a tunnel is opened.
var openTable = []ask.Option[Options]{
	{Flag: "--plugin", Env: "SSMGUARD_PLUGIN", Set: ask.Text(func(o *Options) *string { return &o.Plugin })},
	{Flag: "--no-cache", Env: "SSMGUARD_NO_CACHE", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.NoCache })},
	{Flag: "--allow-remote", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.Remote })},
}

var outputTable = []ask.Option[Options]{
	{Flag: "--output", Set: chosen(func(o *Options) *string { return &o.Output }, "text", "json")},
}

var backgroundTable = []ask.Option[Options]{
	{Flag: "--background", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.Background })},
}

var followTable = []ask.Option[Options]{
	{Flag: "--follow", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.Follow })},
	{Flag: "-f", IsSwitch: true, Set: toggle(func(o *Options) *bool { return &o.Follow })},
}

// Verb is one command below `ssmguard tunnel`.
type Verb struct {
	Name, Usage, words string
	Options            [][]ask.Option[Options]
	command            bool          // a command may follow "--"
	retryFor           time.Duration // the default of --retry-for
	Named              Names         // what its words name
	run                func(ctx context.Context, p *env.Process, o *Options) error
}

const tunnelHelp = `A tunnel is a local port that leads to a port behind a bastion, and stays open
through lost connections. Tunnels are named in ~/.config/ssmguard/config.yaml and
in a project's .ssmguard.yaml, or given on the spot. A project's file is used when
nobody but you or root can write it, and replaces nothing of your own:

  ssmguard tunnel up --target bastion --host db.internal --port 5432 --local-port 15432

`

// Command is `ssmguard tunnel` with all its verbs.
func Command(p *env.Process) *cli.Command {
	c := &cli.Command{
		Name: "tunnel", Usage: "open, keep and close tunnels", UsageText: "ssmguard tunnel COMMAND [NAME...] [options]",
		Description: tunnelHelp + verbList() + tunnelOptionHelp, SkipFlagParsing: true, HideHelp: true,
	}
	c.Action = func(ctx *cli.Context) error {
		words := ctx.Args().Slice()
		if asksForHelp(words) {
			return cli.ShowCommandHelp(ctx, "tunnel")
		}
		return runVerb(ctx.Context, p, words)
	}
	return c
}

// asksForHelp looks at what stands before a command that is to be run.
func asksForHelp(words []string) bool {
	if len(words) == 0 || words[0] == "help" || len(words) == 2 && words[1] == "help" {
		return true
	}
	return ask.WantsHelp(words)
}

func verbList() string {
	var b strings.Builder
	for _, v := range Verbs() {
		fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(v.Name+" "+v.words), v.Usage)
	}
	return b.String()
}

// tunnel runs the words after `tunnel`.
func runVerb(ctx context.Context, p *env.Process, words []string) error {
	verbs := Verbs()
	at := slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == words[0] })
	if at < 0 {
		var names []string
		for _, v := range verbs {
			names = append(names, v.Name)
		}
		if near := spelling.Nearest(words[0], names); near != "" {
			return exit.Usagef("unknown command: tunnel %s; did you mean %q?", words[0], "tunnel "+near)
		}
		return exit.Usagef("unknown command: tunnel %s; known are: %s", words[0], strings.Join(names, ", "))
	}
	o, err := verbs[at].parse(words[1:], p.Getenv)
	if err != nil {
		if words[0] == "up" && asksForJSON(words) {
			tellGaveUp(p, firstWords(words[1:]), err)
		}
		return err
	}
	err = exit.OwnVoice("tunnel", verbs[at].run(ctx, p, o), ask.SessionFlags("ssm")...)
	var sig env.Signalled
	if !o.ran && errors.As(context.Cause(ctx), &sig) && (err == nil || errors.Is(err, context.Canceled) || exit.As[env.Signalled](err)) {
		return exit.EndWith(128 + int(sig.Signal)) // nothing but our output belongs on stdout
	}
	if exit.As[*fs.PathError](err) && errors.Is(err, syscall.EPIPE) {
		return exit.EndWith(128 + int(syscall.SIGPIPE)) // nobody reads us any more, and wants no word about it
	}
	return err
}

// parse takes the verb's options out of the words after it.
func (v Verb) parse(words []string, getenv func(string) string) (*Options, error) {
	o := &Options{Spot: configs.Tunnel{LocalPort: -1}, Output: "text", RetryFor: v.retryFor, raw: words}
	rest, err := ask.Take(o, slices.Concat(v.Options...), words, getenv)
	if err != nil {
		return nil, err
	}
	if at := slices.Index(rest, "--"); at >= 0 {
		o.Command = rest[at+1:]
		rest = rest[:at]
		if !v.command {
			return nil, exit.Usagef("tunnel %s runs no command; `tunnel run` does", v.Name)
		}
	}
	for _, word := range rest {
		if strings.HasPrefix(word, "-") {
			var known []string
			for _, opt := range slices.Concat(v.Options...) {
				known = append(known, opt.Flag)
			}
			return nil, exit.Usagef("%s", exit.UnknownOption(word, known, fmt.Sprintf("; see %q", "ssmguard help tunnel")))
		}
	}
	o.Words = rest
	return o, nil
}

// ReadConfig reads the files that say what tunnels there are.
func ReadConfig(p *env.Process) (configs.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return configs.Config{}, configError(err)
	}
	c, err := configs.Load(configs.Places{UserFile: userFile(p), Dir: dir, Getenv: p.Lookup})
	if err != nil {
		return c, configError(err)
	}
	return c, nil
}

// loadConfig reads them for a command that names tunnels, or describes one on
// the spot. It fails when the command needs a project's file that is not used,
// and warns of what else is not used.
func loadConfig(p *env.Process, onTheSpot bool, names ...string) (configs.Config, error) {
	c, err := ReadConfig(p)
	if err != nil {
		return c, err
	}
	_, err = c.Select(names...)
	if onTheSpot && (err != nil || len(names) == 0) {
		err = c.Faulty() // its defaults would count
	}
	if exit.As[*configs.UnusedError](err) {
		return c, configError(err)
	}
	warnOf(p, c, names)
	return c, nil
}

// warnOf tells of a project's file that is not used, wholly or in part.
func warnOf(p *env.Process, c configs.Config, names []string) {
	for _, text := range c.Warnings(names...) {
		fmt.Fprintf(p.Stderr, "ssmguard: warning: %s\n", text)
	}
}

// configError is the error for files that cannot be used, each line of it one of ours.
func configError(err error) error {
	return exit.Coded(strings.ReplaceAll(err.Error(), "\n", "\nssmguard: "), exit.Config)
}

// nameError is the error for a name that no tunnel has, perhaps because the file
// that may have it is not used.
func nameError(err error) error {
	if exit.As[*configs.UnusedError](err) {
		return configError(err)
	}
	return exit.Coded(err.Error(), exit.Usage)
}

// userFile is the user's configuration file, "" without a home.
func userFile(p *env.Process) string {
	dir := p.UserDir("XDG_CONFIG_HOME", ".config")
	if dir == "" {
		return ""
	}
	return configs.UserFile(dir)
}

// selected returns the tunnels that a command line is about: those of its names,
// with its options over theirs, or the one that its options describe.
func (o *Options) selected(c configs.Config) ([]configs.Tunnel, error) {
	if len(o.Words) == 0 {
		t, err := o.described(c)
		return []configs.Tunnel{t}, err
	}
	tunnels, err := c.Select(o.Words...)
	if err != nil {
		return nil, nameError(err)
	}
	if len(tunnels) == 0 {
		return nil, exit.Usagef("no tunnel is in %s", strings.Join(o.Words, ", "))
	}
	s := o.Spot
	if len(tunnels) > 1 && (s.Target != "" || s.Host != "" || s.Port != 0 || s.RDS != "" || s.ElastiCache != "" || s.Reader || s.Listen != "" || s.LocalPort >= 0) {
		return nil, exit.Usagef("--target, --host, --port, --rds, --elasticache, --reader, --listen and --local-port are for one tunnel, not for %d", len(tunnels))
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
func (o *Options) described(c configs.Config) (configs.Tunnel, error) {
	t := o.over(configs.Tunnel{Settings: c.Defaults, Name: cmp.Or(o.Spot.Name, spotName)})
	if t.Target == "" {
		return t, exit.Usagef("name a tunnel, or give --target and --port; see %q", "ssmguard help tunnel")
	}
	return t, cmp.Or(nearEnd(t), farEnd(t))
}

// nearEnd reports what is wrong with where a tunnel is to listen.
func nearEnd(t configs.Tunnel) error {
	if t.Listen != "" && t.LocalPort > 0 {
		return exit.Usagef("give one of --listen and --local-port")
	}
	if err := configs.CheckListen(t.Listen); err != nil {
		return exit.Usagef("--%v", err)
	}
	return nil
}

// farEnd reports what is wrong with where a tunnel leads, once options and
// configuration are put together.
func farEnd(t configs.Tunnel) error {
	lookup := t.RDS != "" || t.ElastiCache != ""
	switch {
	case lookup && t.Host != "", t.RDS != "" && t.ElastiCache != "":
		return exit.Usagef("give one of --host, --rds and --elasticache")
	case t.Port == 0 && !lookup:
		return exit.Usagef("--port is missing: the port on the far side")
	case t.Reader && !lookup:
		return exit.Usagef("--reader is for --rds and --elasticache")
	}
	return nil
}

// over lays the options of the command line over a tunnel's configuration.
func (o *Options) over(t configs.Tunnel) configs.Tunnel {
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
