package tunnel

import (
	"time"

	"ssmguard/cmd/internal/ask"
)

// How long opening is tried again when what fails may pass by itself.
const (
	endlessly   = time.Duration(-1)
	runRetryFor = time.Minute
)

// Names are a kind of what is named on a command line.
type Names int

const (
	anything   Names = iota // new names, or none
	Configured              // tunnels and groups of the configuration
	OneTunnel               // tunnels of the configuration
	Running                 // what is open
)

// Verbs are the commands below `ssmguard tunnel`, in the order of their help.
func Verbs() []Verb {
	type tables = [][]ask.Option[Options]
	return []Verb{
		{Name: "up", words: "NAME...", Usage: "open tunnels and keep them open", Named: Configured, retryFor: endlessly,
			Options: tables{spotTable, openTable, retryTable, outputTable, backgroundTable}, run: tunnelUp},
		{Name: "run", words: "NAME... -- COMMAND", Usage: "open tunnels for one command", Named: Configured, retryFor: runRetryFor,
			command: true, Options: tables{spotTable, openTable, retryTable}, run: tunnelRun},
		{Name: "ls", words: "[NAME...]", Usage: "list tunnels and where they stand", Named: Configured, Options: tables{outputTable}, run: tunnelLs},
		{Name: "down", words: "[NAME...]", Usage: "close tunnels; without a name, all in the background", Named: Running,
			run: tunnelDown},
		{Name: "restart", words: "[NAME...]", Usage: "close and open background tunnels", Named: Running, run: tunnelRestart},
		{Name: "logs", words: "NAME", Usage: "print what a background tunnel has to say", Named: Running,
			Options: tables{followTable}, run: tunnelLogs},
		{Name: "env", words: "NAME", Usage: "print how to connect to the database behind a tunnel", Named: OneTunnel,
			Options: tables{spotTable, envTable}, run: tunnelEnv},
		{Name: "check", words: "[NAME...]", Usage: "tell whether tunnels may be opened, and open none", Named: Configured,
			Options: tables{spotTable, openTable, outputTable}, run: tunnelCheck},
		{Name: "add", words: "NAME", Usage: "write a tunnel into a configuration file", command: true,
			Options: tables{spotTable, addTable}, run: tunnelAdd},
	}
}

// tunnelOptionHelp describes the options of the tunnel commands.
const tunnelOptionHelp = `
A tunnel, or what to change in a named one:
  --target TARGET      instance id, tag:KEY=VALUE, or the value of a Name tag
  --host HOST          where the target is to connect; without it, to itself
  --port PORT          the port there
  --rds NAME           a DB cluster, instance or proxy, or its endpoint, instead of --host and --port
  --elasticache NAME   a cache, or its endpoint, instead
  --reader             the reader endpoint of --rds or --elasticache
  --local-port PORT    the port here, on 127.0.0.1 and ::1; 0 takes any free one
  --listen ADDRESS     ADDR:PORT or unix:PATH instead
  --allow-remote       let --listen be an address that other machines reach
  --profile, --region, --reason
  --lanes N            spread connections over N sessions (1 to 16)
  --wait               ready means that the remote port has taken a connection, within 15s;
                       of agents before 3.0.197 and --engine plugin: has not refused one for 1s
  --engine native      our own data channel (default); plugin: the official one
  --guard MODE         on, warn, strict or off, as with start-session
  --name NAME          what to call a tunnel that is in no file

  up, run --retry-for DURATION
                       what passes by itself (no network, throttling, a target that is
                       starting) is tried again until the tunnel is ready, for so long;
                       up: without end, run: 1m; 0 tries once. What was ready once is
                       opened again until it is closed or AWS refuses
  up --background      return when the tunnels are ready, and keep them open; when they
                       are not within 30s, say so, fail, and go on trying
  up, ls --output json events as JSON lines, the list as JSON
  env --format FORMAT  psql, mysql or url, else what suits the engine; --user, --database;
                       --token adds an IAM token as the password of --user, where the
                       form keeps it from being sent without TLS; for a tunnel in no
                       file, with its --rds, --elasticache, --host and --port
  add --project        to .ssmguard.yaml here; else to the user's file. Instead of options,
                       a pasted command after "--": add NAME -- aws ssm start-session ...
  logs -f, --follow    go on until the tunnel is closed
`
