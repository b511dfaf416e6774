// Command ssmguard is a drop-in for `aws ssm start-session` that says why a
// session would be refused before it starts one. See README.md.
package main

import (
	"os"
	"runtime/debug"
	"time"

	"ssmguard/cmd/internal/cli"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
	"ssmguard/proxy/plugin"
)

func main() {
	if plugin.Named(os.Args[0]) {
		if os.Getenv("SSMGUARD_ENGINE") == configs.EngineNative && plugin.CalledByOthers(os.Args) {
			os.Exit(cli.MainAsPlugin(os.Args, os.Stdin, os.Stdout, os.Stderr))
		}
		os.Exit(plugin.Main(os.Args))
	}
	startWithoutCollecting()
	restore, ok := env.TakeConsole(os.Stdout, os.Stderr)
	if !ok {
		os.Setenv("TERM", "dumb") //nolint:errcheck // a name and a value that every system takes
	}
	code := cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)
	restore()
	exit(code)
}

// startWithoutCollecting lets the heap of a start grow to 16 MB before garbage is first
// collected: a session is open by then, a tenth sooner and in less memory, since a
// collection takes some itself. What runs on collects as ever. GOGC decides where it is
// set.
func startWithoutCollecting() {
	if os.Getenv("GOGC") == "" {
		usual := debug.SetGCPercent(400)
		time.AfterFunc(5*time.Second, func() { debug.SetGCPercent(usual) })
	}
}

// exit ends the process with a code or, below 0, by a signal.
func exit(code int) {
	if code < 0 {
		endBy(-code)
		code = 128 - code // where no signal can end us
	}
	os.Exit(code)
}
