package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/service"
	"ssmguard/cmd/internal/tunnelstate"
	"ssmguard/configs"
	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
)

// How long opening is retried after faults that may pass by themselves.
const (
	endlessly   = time.Duration(-1)
	runRetryFor = time.Minute
)

// The kinds of names after a verb, for completion.
const (
	Configured = "TUNNEL|GROUP" // tunnels and groups of the configuration
	OneTunnel  = "TUNNEL"       // tunnels of the configuration
	Running    = "OPEN"         // tunnels that are open
	// ServiceWords are what is done, then a tunnel or a group of the configuration.
	ServiceWords = "install|remove TUNNEL"
)

// verb is a command below `ssmguard tunnel`.
type verb struct {
	name, words, usage string
	path               string // its words after ssmguard; "": tunnel and the name
	named              string // the kind of its words, for completion
	about              string // description in its help
	flags              func(*Options) []command.Flag
	likely             []string // other names for it
	examples           []command.Example
	takesCommand       bool          // a command may follow "--"
	retryFor           time.Duration // the default of --retry-for
	run                func(ctx context.Context, p *env.Process, o *Options) error
}

// verbs are the commands below `ssmguard tunnel`, in the order of their help.
var verbs = []verb{
	{name: "up", words: "[NAME...]", usage: "open tunnels and keep them open", named: Configured, retryFor: endlessly,
		about: "Opens tunnels and keeps them open until Ctrl-C, or in the background.",
		flags: (*Options).upFlags, run: tunnelUp, likely: []string{"start", "open", "connect"},
		examples: []command.Example{
			{Line: "ssmguard tunnel up dev", Text: "open a tunnel or a group of a file, and keep it open until Ctrl-C"},
			{Line: "ssmguard tunnel up --target bastion --host db.internal --port 5432 --local-port 15432", Text: "open a tunnel that is in no file"},
			{Line: "ssmguard tunnel up --target bastion --rds orders --background", Text: "open one to a database of RDS, and keep it open in the background"},
			{Line: "ssmguard tunnel up --target bastion --socks 1080", Text: "open a SOCKS5 proxy to all that the bastion reaches"},
		}},
	{name: "run", words: "[NAME...] -- COMMAND", usage: "open tunnels for one command", named: Configured, retryFor: runRetryFor,
		about: `Opens tunnels, runs a command with SSMGUARD_NAME_HOST and SSMGUARD_NAME_PORT for each of
them, closes them, and ends with the command's exit code. A tunnel that is open already
is used as it is, and stays open.`,
		flags: (*Options).runFlags, takesCommand: true, run: tunnelRun, likely: []string{"exec", "with"},
		examples: []command.Example{{Line: `ssmguard tunnel run orders -- sh -c 'pg_dump -h "$SSMGUARD_ORDERS_HOST" -p "$SSMGUARD_ORDERS_PORT"'`,
			Text: "open a tunnel for one command, and close it behind it"}}},
	{name: "ls", words: "[NAME...]", usage: "list tunnels and where they stand", named: Configured,
		about: "Lists the tunnels of the files and those that are open, in other terminals, too.",
		flags: func(o *Options) []command.Flag {
			return append([]command.Flag{tunnelstate.WatchFlag(&o.Watch)}, o.outputFlags("json: the list as JSON; with --watch an object a line for each tunnel that changes")...)
		}, likely: []string{"list", "status", "ps"},
		run: func(ctx context.Context, p *env.Process, o *Options) error {
			list := tunnelstate.List
			if o.Watch {
				list = tunnelstate.Watch
			}
			return list(ctx, p, o.Words, o.Output == "json")
		},
		examples: []command.Example{
			{Line: "ssmguard tunnel ls --watch", Text: "see tunnels and what passes through them, until Ctrl-C"},
			{Line: "ssmguard tunnel ls --output json", Text: "list tunnels for a program"},
		}},
	{name: "wait", words: "NAME...", usage: "wait until tunnels are ready", named: Configured,
		about: `Waits until tunnels take connections, whichever process opens them, and prints where they
listen. One that is not open yet is waited for, too. When one gives up meanwhile, the exit
code is that of its end; after --timeout it is 255.`,
		flags: func(o *Options) []command.Flag {
			return append([]command.Flag{tunnelstate.TimeoutFlag(&o.Timeout)}, o.outputFlags("json: an event as JSON for each tunnel that is ready")...)
		}, likely: []string{"wait-for", "await", "ready"},
		run: func(ctx context.Context, p *env.Process, o *Options) error {
			return tunnelstate.Wait(ctx, p, o.Words, o.Timeout, o.Output == "json")
		},
		examples: []command.Example{
			{Line: "ssmguard tunnel wait orders && ./migrate.sh", Text: "go on when a tunnel is ready"},
			{Line: "ssmguard tunnel wait dev --timeout 5m", Text: "wait for a group of tunnels, which another process opens"},
		}},
	{name: "down", words: "[NAME...]", usage: "close tunnels; without a name, all in the background", named: Running,
		about: "Closes tunnels, those of other terminals by their names. A tunnel stays in its file.",
		run:   func(ctx context.Context, p *env.Process, o *Options) error { return tunnelstate.Down(ctx, p, o.Words) }, likely: []string{"stop", "close", "kill"},
		examples: []command.Example{{Line: "ssmguard tunnel down dev", Text: "close a tunnel or a group"}}},
	{name: "restart", words: "[NAME...]", usage: "close and open background tunnels", named: Running,
		about: "Closes and opens background tunnels again, as their files say now.",
		run:   tunnelRestart, likely: []string{"reload"},
		examples: []command.Example{{Line: "ssmguard tunnel restart dev", Text: "close a background tunnel and open it again"}}},
	{name: "logs", words: "NAME", usage: "print what a background tunnel has to say", named: Running,
		about: "Prints the log of a background tunnel.",
		flags: (*Options).logsFlags, likely: []string{"log", "tail"},
		run: func(ctx context.Context, p *env.Process, o *Options) error {
			return tunnelstate.Logs(ctx, p, o.Words, o.Follow)
		},
		examples: []command.Example{{Line: "ssmguard tunnel logs -f dev", Text: "follow the log of a background tunnel"}}},
	{name: "env", words: "NAME", usage: "print how to connect to the database behind a tunnel", named: OneTunnel,
		about: `Prints how to connect to the database behind a tunnel. A tunnel that is in no file is
known by its --rds, --elasticache, or --host and --port.`,
		flags: (*Options).envFlags, run: tunnelEnv,
		examples: []command.Example{
			{Line: `eval "$(ssmguard tunnel env orders --format psql)" && psql`, Text: "connect psql through a tunnel"},
			{Line: "ssmguard tunnel env orders --user app --token", Text: "print how to connect with an IAM token as the password"},
		}},
	{name: "service", words: "install|remove NAME", usage: "open a tunnel when you log in", named: ServiceWords,
		about: `Makes a tunnel or a group a service: a unit of systemd for your own session, or an agent of
launchd on macOS. The file is printed first, and what is done is asked. The manager starts
the tunnel when you log in, and again when it fails.`,
		flags: func(o *Options) []command.Flag { return o.Service.Flags() }, likely: []string{"daemon", "autostart", "systemd", "launchd", "enable"},
		run: func(ctx context.Context, p *env.Process, o *Options) error {
			return service.Run(ctx, p, o.Words, o.Service)
		},
		examples: []command.Example{
			{Line: "ssmguard tunnel service install orders", Text: "have a tunnel opened when you log in"},
			{Line: "ssmguard tunnel service install orders --print", Text: "print the unit of systemd, or the agent of launchd"},
		}},
	{name: "check", words: "[NAME...]", usage: "tell whether tunnels may be opened, and open none", named: Configured,
		about: "Tells whether IAM allows the tunnels, and what is missing. It opens none.",
		flags: func(o *Options) []command.Flag {
			return slices.Concat(o.outputFlags("json: the decisions as JSON"), o.openFlags(), o.spotFlags())
		}, run: tunnelCheck, likely: []string{"test"},
		examples: []command.Example{{Line: "ssmguard tunnel check dev", Text: "ask whether a tunnel may be opened, and open none"}}},
	{name: "add", words: "NAME", usage: "write a tunnel into a configuration file",
		about: `Writes a tunnel into the user's file or the project's. Instead of options it takes a
command of the AWS CLI, pasted after "--".`,
		flags: (*Options).addFlags, takesCommand: true, run: tunnelAdd, likely: []string{"create", "new"},
		examples: []command.Example{
			{Line: "ssmguard tunnel add orders --target tag:Name=bastion --rds orders --local-port 15432", Text: "write a tunnel to a database of RDS into your file"},
			{Line: "ssmguard tunnel add orders -- aws ssm start-session ...", Text: "write a tunnel from a command you have"},
		}},
	{name: "show", words: "[NAME...]", usage: "print how tunnels are configured", named: Configured,
		about:  "Prints the keys of tunnels, those that they have by default too, and the file and line of each.",
		flags:  func(o *Options) []command.Flag { return o.outputFlags("json: the tunnels as JSON") },
		likely: []string{"get", "describe", "cat", "inspect"}, run: tunnelShow,
		examples: []command.Example{{Line: "ssmguard tunnel show orders", Text: "print how a tunnel is configured, and where"}}},
	{name: "edit", words: "NAME", usage: "change a tunnel in its configuration file", named: OneTunnel,
		about: `Changes keys of a tunnel in the file that has it. Comments, order and all else in the file
stay as they are.`,
		flags: (*Options).editFlags, run: tunnelEdit, likely: []string{"set", "change", "update", "modify"},
		examples: []command.Example{
			{Line: "ssmguard tunnel edit orders --local-port 25432", Text: "give a tunnel another local port"},
			{Line: "ssmguard tunnel edit orders --unset reason", Text: "take a key out"},
		}},
	{name: "rm", words: "NAME...", usage: "take tunnels out of their configuration files", named: OneTunnel,
		about: "Takes tunnels out of the files that have them, and prints the lines that are gone. It closes none.",
		run:   tunnelRemove, likely: []string{"remove", "delete", "del"},
		examples: []command.Example{{Line: "ssmguard tunnel rm orders", Text: "take a tunnel out of its file"}}},
	{name: "validate", words: "[FILE...]", usage: "tell the faults of configuration files",
		about: "Tells each fault of configuration files with its line; without a file, of those that commands here use.",
		flags: func(o *Options) []command.Flag { return o.outputFlags("json: files, faults and warnings as JSON") },
		run:   tunnelValidate, likely: []string{"lint", "verify"},
		examples: []command.Example{{Line: "ssmguard tunnel validate", Text: "tell the faults of your file and the project's"}}},
}

// Command declares `ssmguard tunnel` with all its verbs.
func Command() *command.Command {
	c := &command.Command{
		Command: cli.Command{
			Name: "tunnel", Category: command.Tunnels, ArgsUsage: "COMMAND [NAME...] [options]",
			Usage: "open, keep and close tunnels",
			Description: `A tunnel is a local port that leads to a port behind a bastion, and stays open through
lost connections. Tunnels are named in ~/.config/ssmguard/config.yaml and in a project's
.ssmguard.yaml, or given on the spot. A project's file is used when nobody but you or
root can write it and you have trusted it (see "ssmguard help trust"), and replaces
nothing of your own. "ssmguard help tunnel up" tells more about one of the commands.`,
		},
		Likely: []string{"forward", "port-forward", "tunnels"},
		Meant:  meant,
		Examples: []command.Example{
			{Line: "ssmguard tunnel up --target bastion --host db.internal --port 5432 --local-port 15432", Text: "open a tunnel that is in no file"}},
		Files: []command.File{
			{Name: "~/.config/ssmguard/config.yaml", Text: "Your tunnels and groups of tunnels."},
			{Name: ".ssmguard.yaml", Text: "Those of a project, in its directory or one above the current one."},
			{Name: "~/.local/state/ssmguard/tunnels", Text: "Logs and states of background tunnels."},
		},
	}
	for _, v := range verbs {
		c.Verbs = append(c.Verbs, &command.Command{
			Command:  cli.Command{Name: v.name, SkipFlagParsing: true, ArgsUsage: v.words, UsageText: v.usageText(), Usage: v.usage, Description: v.about},
			Options:  func() []command.Flag { return v.options(new(Options)) },
			Examples: v.examples, Words: v.named, Likely: v.likely,
			Run: v.runWords,
		})
	}
	return c
}

// usageText returns the verb's usage line.
func (v verb) usageText() string {
	if v.flags == nil {
		return v.words
	}
	names, program, ok := strings.Cut(v.words, " -- ")
	if !ok {
		return names + " [options]"
	}
	return names + " [options] -- " + program
}

func (v verb) options(o *Options) []command.Flag {
	if v.flags == nil {
		return nil
	}
	return v.flags(o)
}

// runWords runs the words after the verb.
func (v verb) runWords(ctx context.Context, p *env.Process, words []string) error {
	o, err := v.parse(words, p.Getenv)
	if err != nil {
		if v.name == "up" && asksForJSON(words) {
			tellGaveUp(p, firstWords(words), err)
		}
		return err
	}
	if v.name == "up" {
		read, stop := p.WhileRead(ctx)
		defer stop()
		ctx = read
	}
	err = v.run(ctx, p, o)
	if sig, ended := errors.AsType[env.Signalled](context.Cause(ctx)); ended && !o.ran && (err == nil || errors.Is(err, context.Canceled) || exit.As[env.Signalled](err)) {
		return exit.EndWith(128 + int(sig.Signal)) // urfave/cli must not print on stdout
	}
	if exit.As[*fs.PathError](err) && nettext.NoReader(err) {
		return exit.EndWith(128 + int(syscall.SIGPIPE)) // the reader of our output has gone, so nothing is printed
	}
	return err
}

// parse parses the words after the verb.
func (v verb) parse(words []string, getenv func(string) string) (*Options, error) {
	o := &Options{Spot: configs.Tunnel{LocalPort: -1}, Output: "text", RetryFor: v.retryFor, raw: words}
	flags := v.options(o)
	rest, err := command.Take(flags, words, getenv)
	if err != nil {
		return nil, err
	}
	at := slices.Index(rest, "--")
	if at >= 0 {
		o.Command, o.Words = rest[at+1:], rest[:at]
	} else {
		o.Words = rest
	}
	if at >= 0 && !v.takesCommand {
		return nil, exit.Usagef("tunnel %s runs no command; `tunnel run` does", v.name)
	}
	path := cmp.Or(v.path, "tunnel "+v.name)
	for i, word := range o.Words {
		switch {
		case !strings.HasPrefix(word, "-"):
		case at < 0 && v.name == "run" && i > 1: // orders sh -c ...
			return nil, exit.Usagef("%s is not an option of tunnel run; a command follows %q: ssmguard tunnel run %s -- %s",
				safetext.Line(word), "--", safetext.Line(rest[0]), safetext.Line(strings.Join(rest[1:], " ")))
		default:
			return nil, exit.Usagef("%s", exit.UnknownOption(word, command.Names(flags), fmt.Sprintf("; see %q", "ssmguard help "+path)))
		}
	}
	return o, nil
}
