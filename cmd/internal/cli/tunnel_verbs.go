package cli

import "time"

// How long opening is tried again when what fails may pass by itself.
const (
	endlessly   = time.Duration(-1)
	runRetryFor = time.Minute
)

// names are a kind of what is named on a command line.
type names int

const (
	anything   names = iota // new names, or none
	configured              // tunnels and groups of the configuration
	oneTunnel               // tunnels of the configuration
	running                 // what is open
)

// tunnelVerbs are the commands below `ssmguard tunnel`, in the order of their help.
func tunnelVerbs() []tunnelVerb {
	type tables = [][]option[tunnelOptions]
	return []tunnelVerb{
		{name: "up", words: "NAME...", usage: "open tunnels and keep them open", named: configured, retryFor: endlessly,
			options: tables{spotTable, openTable, retryTable, outputTable, backgroundTable}, run: (*process).tunnelUp},
		{name: "run", words: "NAME... -- COMMAND", usage: "open tunnels for one command", named: configured, retryFor: runRetryFor,
			command: true, options: tables{spotTable, openTable, retryTable}, run: (*process).tunnelRun},
		{name: "ls", words: "[NAME...]", usage: "list tunnels and where they stand", named: configured, options: tables{outputTable}, run: (*process).tunnelLs},
		{name: "down", words: "[NAME...]", usage: "close tunnels; without a name, all in the background", named: running,
			run: (*process).tunnelDown},
		{name: "restart", words: "[NAME...]", usage: "close and open background tunnels", named: running, run: (*process).tunnelRestart},
		{name: "logs", words: "NAME", usage: "print what a background tunnel has to say", named: running,
			options: tables{followTable}, run: (*process).tunnelLogs},
		{name: "env", words: "NAME", usage: "print how to connect to the database behind a tunnel", named: oneTunnel,
			options: tables{spotTable, envTable}, run: (*process).tunnelEnv},
		{name: "check", words: "[NAME...]", usage: "tell whether tunnels may be opened, and open none", named: configured,
			options: tables{spotTable, openTable, outputTable}, run: (*process).tunnelCheck},
		{name: "add", words: "NAME", usage: "write a tunnel into a configuration file", command: true,
			options: tables{spotTable, addTable}, run: (*process).tunnelAdd},
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
