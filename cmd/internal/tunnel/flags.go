package tunnel

import (
	"errors"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/database"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// spotGroup is the heading of the options that describe a tunnel.
const spotGroup = "a tunnel that is in no file, or what to change in a named one"

func grouped(heading string, flags []command.Flag) []command.Flag {
	for i := range flags {
		flags[i].Group = heading
	}
	return flags
}

// spotFlags returns the options that describe a tunnel on the command line.
func (o *Options) spotFlags() []command.Flag {
	s := &o.Spot
	flags := []command.Flag{
		{Name: "--target", Value: "TARGET", Text: "instance id, tag:KEY=VALUE, or the value of a Name tag; without it one that reaches --rds or --elasticache", Set: command.Text(&s.Target)},
		{Name: "--start", Text: "start the target if it is stopped, once you agree",
			Set: func(string) error { s.Start = configs.On; return nil }},
		{Name: "--host", Value: "HOST", Text: "where the target is to connect, a host name or an address; without it, or with localhost, to itself", Set: command.Text(&s.Host)},
		{Name: "--port", Value: "PORT", Text: "the port there", Set: command.Number(&s.Port, 1, 65535)},
		{Name: "--rds", Value: "DATABASE", Text: "a DB cluster, instance or proxy, or its endpoint, instead of --host and --port", Set: command.Text(&s.RDS)},
		{Name: "--elasticache", Value: "CACHE", Text: "a cache, or its endpoint, instead", Set: command.Text(&s.ElastiCache)},
		{Name: "--reader", Text: "the reader endpoint of --rds or --elasticache", Set: command.Switch(&s.Reader)},
		{Name: "--socks", Value: "PORT", Text: "a SOCKS5 proxy, in the place of --host and --port", Set: command.Text(&s.SOCKS)},
		{Name: "--http-proxy", Value: "PORT", Text: "one for HTTP CONNECT, likewise", Set: command.Text(&s.HTTPProxy)},
		{Name: "--to", Value: "HOST:PORT,...", Text: "where they lead: *.internal:5432,10.0.0.0/8:*",
			Set: func(v string) error { s.To = configs.Destinations(v); _, err := s.To.Rules(); return err }},
		{Name: "--local-port", Value: "PORT", Text: "the port here, on loopback; 0 takes any free one", Set: command.Number(&s.LocalPort, 0, 65535)},
		{Name: "--listen", Value: "ADDRESS", Text: "ADDR:PORT or unix:PATH instead", Set: command.Text(&s.Listen)},
		{Name: "--profile", Value: "PROFILE", Text: "the profile of ~/.aws/config", Set: command.Text(&s.Profile)},
		{Name: "--region", Value: "REGION", Text: "the region", Set: command.Text(&s.Region)},
		{Name: "--reason", Value: "TEXT", Text: "why the sessions are started, for their history", Set: command.Text(&s.Reason)},
		{Name: "--lanes", Value: "N", Default: "1", Text: "sessions to spread over, up to 16", Set: command.Number(&s.Lanes, 1, 16)},
		{Name: "--wait", Text: "ready means that the remote port has taken a connection, within 15s; of agents before 3.0.197 and with --engine plugin: has not refused one for 1s",
			Set: func(string) error { s.Wait = configs.DefaultWait; return nil }},
		{Name: "--lazy", Text: "open sessions when needed, end them after --idle",
			Set: func(string) error { s.Lazy = configs.On; return nil }},
		{Name: "--idle", Value: "DURATION", Default: "15m", Text: "for --lazy, and for proxies",
			Set: func(v string) (err error) { s.Idle, err = configs.ParseIdle(v); return err }},
		o.engineFlag(),
		ask.GuardFlag(&s.Guard),
		ask.PeerFlag(&s.Peer),
		{Name: "--name", Value: "NAME", Text: "what to call a tunnel that is in no file",
			Set: func(v string) error { s.Name = v; return configs.CheckName(v) }},
	}
	return grouped(spotGroup, flags)
}

// engineFlag returns --engine: what carries the sessions, or the engine of the database.
func (o *Options) engineFlag() command.Flag {
	return command.Flag{Name: "--engine", Value: "ENGINE", Choices: slices.Concat(configs.Engines, configs.DatabaseEngines), Default: configs.EngineNative,
		Text: "native or plugin: our own data channel, or the official one; or the engine of the database, such as mysql, where neither AWS nor the port tells it; both may be given",
		Set: func(v string) error {
			if slices.Contains(configs.Engines, v) {
				o.Spot.Engine = v
			} else {
				o.Spot.DBEngine = v
			}
			return nil
		}}
}

// retryFlags returns --retry-for.
func (o *Options) retryFlags(standard string) []command.Flag {
	return []command.Flag{{Name: "--retry-for", Value: "DURATION", Default: standard,
		Text: "what passes by itself (no network, throttling, a target that is starting) is tried again until the tunnel is ready, for so long; 0 tries once. What was ready once is opened again until it is closed or AWS refuses",
		Set: func(v string) (err error) {
			if o.RetryFor, err = time.ParseDuration(v); err != nil || o.RetryFor < 0 {
				return errors.New("give a duration such as 30s or 5m, or 0 to try once")
			}
			return nil
		}}}
}

// openFlags returns the options for opening a tunnel.
func (o *Options) openFlags() []command.Flag {
	flags := []command.Flag{
		{Name: "--allow-remote", Text: "let other machines reach what listens here", Set: command.Switch(&o.Open.Remote)},
		ask.PluginFlag(&o.Open.Plugin), ask.NoCacheFlag(&o.Open.NoCache),
	}
	return grouped("opening a tunnel", flags)
}

// openedFlags are openFlags for a command that opens tunnels.
func (o *Options) openedFlags() []command.Flag {
	yes := command.Flag{Name: "--yes", Text: "agree to --start, and to start: true of a file", Set: command.Switch(&o.Open.Yes)}
	return append(o.openFlags(), grouped("opening a tunnel", []command.Flag{yes})...)
}

func (o *Options) outputFlags(text string) []command.Flag {
	return []command.Flag{{Name: "--output", Choices: []string{"text", "json"}, Default: "text", Text: text, Set: command.Text(&o.Output)}}
}

// loginFlags returns the options for a database's name and user.
func (o *Options) loginFlags() []command.Flag {
	return grouped("the database behind a tunnel", []command.Flag{
		{Name: "--user", Value: "USER", Text: "the name of its user", Set: command.Text(&o.Spot.User)},
		{Name: "--database", Value: "NAME", Text: "the name of the database", Set: command.Text(&o.Spot.Database)},
	})
}

func (o *Options) upFlags() []command.Flag {
	background := command.Flag{Name: "--background", Set: command.Switch(&o.Background),
		Text: "return when the tunnels are ready, and keep them open; when they are not within 30s, say so, fail, and go on trying"}
	health := command.Flag{Name: "--health", Value: "PORT", Set: command.Text(&o.Health),
		Text: "answer /live, /ready, /metrics over HTTP"}
	return slices.Concat([]command.Flag{background, health}, o.retryFlags("without end"), o.outputFlags("json: events as JSON lines"), o.openedFlags(), o.spotFlags())
}

func (o *Options) runFlags() []command.Flag {
	return slices.Concat(o.retryFlags(strings.TrimSuffix(runRetryFor.String(), "0s")), o.openedFlags(), o.spotFlags())
}

func (o *Options) logsFlags() []command.Flag {
	return []command.Flag{{Name: "--follow", Short: "-f", Text: "go on until the tunnel is closed", Set: command.Switch(&o.Follow)}}
}

func (o *Options) envFlags() []command.Flag {
	return slices.Concat([]command.Flag{
		{Name: "--format", Value: "FORM", Choices: database.Formats(), Text: "psql, mysql, mariadb, redis, mongodb, sqlcmd, url, jdbc, dotenv, json or env; without it, what suits the engine", Set: command.Text(&o.Format)},
		{Name: "--client", Value: "CLIENT", Choices: database.Clients(false), Text: "the client or driver that it is for, such as psql, pgx or mysql2, instead of a form", Set: command.Text(&o.Client)},
		{Name: "--shell", Value: "SHELL", Choices: safetext.Shells, Set: command.Text(&o.Shell),
			Text: "what sets the variables: posix (sh, bash, zsh), fish, powershell or cmd; without it, on Windows the shell that it is typed in, elsewhere posix"},
		{Name: "--token", Set: command.Switch(&o.Token),
			Text: "add an IAM token as the password of --user, where the form keeps it from being sent without TLS"},
	}, o.loginFlags(), o.spotFlags())
}

func (o *Options) addFlags() []command.Flag {
	return slices.Concat([]command.Flag{
		{Name: "--project", Text: "to .ssmguard.yaml in this directory; without it, to the user's file", Set: command.Switch(&o.Add.project)},
		{Name: "--document-name", Value: "DOCUMENT", Text: "as start-session takes it, with --parameters, instead of --host and --port", Set: command.Text(&o.Add.document)},
		{Name: "--parameters", Value: "PARAMETERS", Text: "host, portNumber and localPortNumber", Set: command.Text(&o.Add.parameters)},
	}, o.loginFlags(), o.spotFlags())
}

func (o *Options) editFlags() []command.Flag {
	unset := command.Flag{Name: "--unset", Value: "KEY", Text: "take a key out, such as reason; once for each",
		Set: func(key string) error {
			o.Add.unset = append(o.Add.unset, key)
			_, err := configs.Tunnel{}.Without(key)
			return err
		}}
	spot := slices.DeleteFunc(o.spotFlags(), func(f command.Flag) bool { return f.Name == "--name" })
	return slices.Concat([]command.Flag{unset}, o.loginFlags(), spot)
}
