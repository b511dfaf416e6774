package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/program"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// db is the command `ssmguard db`, which reads its words as the verbs of `tunnel` do.
var db = verb{
	name: "db", path: "db", words: "[NAME] [-- ARGUMENTS]", usage: "connect a client to a database behind a tunnel", named: OneTunnel, retryFor: runRetryFor,
	about: `Opens the tunnel to a database, or uses the one that is open, makes a token if the user
logs in with one, starts the client that suits the engine and is installed, and ends with
its exit code. NAME is a tunnel of a file, one that is open, or a database of RDS, for which
a target is found that reaches it. The token is in the client's environment or in a file for it, never in an argument.`,
	flags: (*Options).databaseFlags, takesCommand: true, run: connectDatabase,
	examples: []command.Example{
		{Line: "ssmguard db orders", Text: "open a client of a database behind a tunnel"},
		{Line: "ssmguard db orders -- -c 'select 1'", Text: "give the client arguments"},
		{Line: "ssmguard db orders --tunnel-only", Text: "keep the tunnel open for a graphical client, and print its settings"},
	},
}

// Database declares `ssmguard db`.
func Database() *command.Command {
	return &command.Command{
		Command: cli.Command{Name: db.name, Category: command.Tunnels, SkipFlagParsing: true, ArgsUsage: db.words, UsageText: db.usageText(),
			Usage: db.usage, Description: db.about},
		Options:  func() []command.Flag { return db.options(new(Options)) },
		Examples: db.examples, Words: db.named, Likely: []string{"database", "sql", "psql", "mysql"},
		Run: db.runWords,
	}
}

func (o *Options) databaseFlags() []command.Flag {
	spot := slices.DeleteFunc(o.spotFlags(), func(f command.Flag) bool {
		return slices.Contains([]string{"--lazy", "--idle", "--lanes", "--socks", "--http-proxy", "--to"}, f.Name)
	})
	return slices.Concat([]command.Flag{
		{Name: "--client", Value: "CLIENT", Choices: database.Clients(true), Text: "the program, such as psql or usql; without it, the first that suits the engine and is installed", Set: command.Text(&o.Client)},
		{Name: "--tunnel-only", Text: "start no client: print the settings for graphical ones, and keep the tunnel open until Ctrl-C", Set: command.Switch(&o.TunnelOnly)},
		{Name: "--token", Text: "log --user in with an IAM token; without it, where the database is known to take one", Set: command.Switch(&o.Token)},
		{Name: "--no-token", Text: "make no token: the client asks for a password", Set: command.Switch(&o.NoToken)},
		{Name: "--ca", Value: "FILE", Text: "the certificates of the server's authority, by which the client verifies it", Set: command.Text(&o.CA)},
	}, o.loginFlags(), o.openedFlags(), spot)
}

// connectDatabase opens the tunnel to a database for a client.
func connectDatabase(ctx context.Context, p *env.Process, o *Options) error {
	if err := o.completeDatabase(ctx, p); err != nil {
		return err
	}
	defer failingPipes()()
	selected, open, err := o.reached(ctx, p)
	switch {
	case err != nil:
		return err
	case len(selected)+len(open) != 1:
		return exit.Usagef("db connects to one database; name one tunnel")
	}
	var conf configs.Tunnel
	if len(open) > 0 {
		conf = open[0].Conf()
	} else {
		conf = selected[0]
	}
	if o.TunnelOnly {
		return keepForClients(ctx, p, o, selected, open)
	}
	switch e := (far{conf: conf}).engine(); {
	case o.Client != "" || e.Name != "":
		if _, err := database.Find(ctx, e, o.Client); err != nil {
			return err
		}
	case conf.RDS == "" && conf.ElastiCache == "":
		return unknownEngine(conf.Name)
	}
	return whileOpen(ctx, p, o, selected, func(ts tunnels) error {
		f := far{conf: conf}
		for _, t := range ts {
			open = append(open, t.status())
			if found, known := t.place.known(); known {
				f = found.far
			}
		}
		return runClient(ctx, p, o, f, open[0])
	})
}

// completeDatabase checks the command line; a name that no file has may be that of RDS.
func (o *Options) completeDatabase(ctx context.Context, p *env.Process) error {
	if o.Token && o.NoToken {
		return exit.Usagef("give only one of --token and --no-token")
	}
	if o.CA != "" {
		path, err := filepath.Abs(o.CA)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return exit.WithCode(fmt.Errorf("--ca: %w", err), exit.Config)
		}
		o.CA = path
	}
	if len(o.Words) > 1 {
		return exit.Usagef("db takes one name; arguments of the client follow %q: ssmguard db %s -- %s", "--", safetext.Line(o.Words[0]), safetext.Line(o.Words[1]))
	}
	o.nameDatabase(ctx, p)
	if err := o.choose(ctx, p); err != nil {
		return err
	}
	if len(o.Words) == 0 && !o.leads() {
		return exit.Usagef("name a database: a tunnel of a file, one that is open, one of RDS, or where a tunnel leads: --target with --rds, --elasticache, or --host and --port")
	}
	return nil
}

// nameDatabase takes a name for that of a database of RDS if no file and no open tunnel has it,
// and no name of a file is like it.
func (o *Options) nameDatabase(ctx context.Context, p *env.Process) {
	if len(o.Words) == 0 || o.leads() {
		return
	}
	name := o.Words[0]
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return // opening tells what is wrong
	}
	if _, err := c.Members(name); err == nil {
		return
	}
	if o.Spot.Target == "" {
		rows, err := keeper.OpenNow(ctx, p)
		known := slices.Concat(slices.Collect(maps.Keys(c.Tunnels)), slices.Collect(maps.Keys(c.Groups)))
		if err != nil || slices.ContainsFunc(rows, func(s keeper.Status) bool { return s.Tunnel == name }) || spelling.Nearest(name, known) != "" {
			return
		}
	}
	o.Spot.RDS, o.Words = name, nil
	if configs.CheckName(name) == nil {
		o.Spot.Name = name
	}
}

func unknownEngine(tunnel string) error {
	return exit.Usagef("neither AWS nor the port tells the engine of %s; give --engine, or --client", tunnel)
}

// login returns how a client logs in, with a token where one is taken or asked for.
func (o *Options) login(ctx context.Context, p *env.Process, f far, s keeper.Status) (database.Access, error) {
	a, err := o.access(p, s, f.conf.Login)
	if err != nil {
		return a, err
	}
	own := cmp.Or(o.Spot.User, f.conf.User) // the master user of a lookup has a password
	if !o.Token && (o.NoToken || !a.IAMAuth || own == "" || a.Engine.Token == database.NoToken) {
		return a, nil
	}
	o.Token = true
	if f.aws == nil || f.conf.ElastiCache != "" {
		if f, err = locate(ctx, p, f.conf, o); err != nil {
			return a, err
		}
	}
	f.conf.User, a.User = own, own
	if a.Password, err = f.token(ctx, p, a); err == nil && f.conf.Guard != configs.GuardOff {
		f.warnLogin(ctx, p)
	}
	return a, err
}

// runClient starts a client of the database at the far end of an open tunnel.
func runClient(ctx context.Context, p *env.Process, o *Options, f far, s keeper.Status) error {
	a, err := o.login(ctx, p, f, s)
	if err != nil {
		return err
	}
	if a.Engine.Name == "" && o.Client == "" {
		return unknownEngine(s.Tunnel)
	}
	a.Ask = env.IsTerminal(p.Stdin)
	client, err := database.Find(ctx, a.Engine, o.Client)
	if err != nil {
		return err
	}
	start, err := client.Start(a)
	if err != nil {
		return err
	}
	args, remove, err := start.Arguments()
	if err != nil {
		return err
	}
	defer remove()
	if start.Note != "" && a.Real != "" {
		safetext.Fprintf(p.Notes(), "ssmguard: %s\n", start.Note)
	}
	return program.Beside(p, client.Path, slices.Concat([]string{client.Name}, args, o.Command), start.Environ)
}

// keepForClients prints the settings for graphical clients, and keeps the tunnel open.
func keepForClients(ctx context.Context, p *env.Process, o *Options, selected []configs.Tunnel, open []keeper.Status) error {
	show := func(s keeper.Status) error {
		a, err := o.access(p, s, configs.Login{})
		if err != nil {
			return err
		}
		text, err := a.Graphical("ssmguard tunnel env " + s.Tunnel + " --format json --token --user " + safetext.Word(cmp.Or(a.User, "USER")))
		for line := range strings.Lines(text) {
			_, writeErr := safetext.Fprintf(p.Stdout, "%s\n", strings.TrimSuffix(line, "\n"))
			err = cmp.Or(err, writeErr)
		}
		return err
	}
	if len(open) > 0 {
		return show(open[0])
	}
	ts, err := openThese(ctx, p, o, selected)
	if err != nil {
		return err
	}
	defer ts.close()
	ready := ts.readiness()
	return inForeground(ctx, p, o, ts, func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var printing sync.WaitGroup
		defer printing.Wait()
		ended := make(chan struct{})
		defer close(ended)
		printing.Go(func() {
			select {
			case <-ready.all:
				if err := show(ts[0].status()); err != nil {
					cancel(err)
				}
			case <-ended:
			}
		})
		return ts.keep(ctx, several{ready, ignoringErrors{report.NewEventText(p.Notes(), "ssmguard: ")}})
	})
}
