package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/session"
	"ssmguard/cmd/internal/trust"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/plugin"
)

// Main runs one command line and returns its exit code, see package exit. args[0] is
// the program's name. A code below 0 is the negative number of a signal by which the
// process has to end.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := env.NewProcess(stdin, stdout, stderr)
	ctx, stop := p.UntilSignalled()
	defer stop()
	err := run(ctx, p, args)
	p.Echo.Restore()
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	return exit.Report(p, err)
}

// MainAsPlugin runs the command line of a session-manager-plugin that another program has
// called to carry a session, over our own data channel, and returns its exit code.
func MainAsPlugin(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	call, err := plugin.ReadCall(args) // first: it takes the token out of the environment
	p := env.NewProcess(stdin, stdout, stderr)
	if err != nil {
		return session.NotAPluginCall(p, err)
	}
	ctx, stop := p.UntilSignalled()
	defer stop()
	return session.AsPlugin(ctx, p, call)
}

// run chooses a command by the program's name, then by the first word.
func run(ctx context.Context, p *env.Process, args []string) error {
	words := args[1:]
	help := func(err error) error {
		if errors.Is(err, command.ErrHelp) {
			return runApp(ctx, p, []string{args[0], "help", "start-session"})
		}
		return err
	}
	switch {
	case filepath.Base(args[0]) == "aws":
		return help(session.AWS(ctx, p, words))
	case len(words) == 0 || !strings.HasPrefix(words[0], "-"):
		return runApp(ctx, p, args)
	case words[0] == "--help" || words[0] == "-h":
		return runApp(ctx, p, append([]string{args[0], "help"}, words[1:]...))
	case words[0] == "--version":
		return runApp(ctx, p, append([]string{args[0], "version"}, words[1:]...))
	default:
		return help(optionsFirst(ctx, p, args))
	}
}

// optionsFirst runs a command line whose options stand before its command, as the
// AWS CLI takes them: `ssmguard --profile dev ssm start-session` as well as
// `ssmguard --profile dev tunnel up db`.
func optionsFirst(ctx context.Context, p *env.Process, args []string) error {
	words := args[1:]
	line, err := ask.ReadLine(p, words, true)
	if err != nil {
		return exit.OwnVoice("", err, func() []string { return command.Names(ask.SessionFlags("ssm")) })
	}
	if line.Call.Command != awscli.Foreign || line.Call.Service != "" {
		return session.SSM(ctx, p, words)
	}
	name := line.Call.Refusal.Choice
	all := commands()
	named, rest := (&command.Command{Verbs: all}).Below([]string{name})
	switch {
	case len(rest) > 0:
		return unknownFirst(all, words[0], name)
	case !named.SkipFlagParsing && named.Verbs == nil:
		return exit.Usagef("write the options of %s after it; see %q", name, "ssmguard help "+name)
	}
	at := slices.Index(words, name)
	sorted := []string{args[0], name}
	rest = words[at+1:]
	if named.Verbs != nil && len(rest) > 0 {
		sorted, rest = append(sorted, rest[0]), rest[1:] // options of tunnel follow the verb
	}
	return runApp(ctx, p, slices.Concat(sorted, words[:at], rest))
}

// meant suggests a command line for words whose first one is no command: a tunnel of the
// configuration, or a target.
func meant(p *env.Process, words []string) string {
	line := safetext.Words(words)
	target := fmt.Sprintf("%q", "ssmguard start-session --target "+line)
	switch {
	case trust.IsConfigured(p, words[0]):
		return fmt.Sprintf("did you mean %q?", "ssmguard tunnel up "+line)
	case slices.Contains(words, "--target"): // the first word is a mistyped command
		return ""
	case awsiam.IsTargetID(words[0]) || strings.HasPrefix(words[0], "i-") || strings.HasPrefix(words[0], "tag:") || net.ParseIP(words[0]) != nil:
		return "did you mean " + target + "?"
	}
	return `see "ssmguard help"; a session with the instance of that name is ` + target
}

// unknownFirst is the error for an unknown command. If the line begins with an option
// that not every command has, the command was left out.
func unknownFirst(all []*command.Command, option, name string) error {
	option, _, _ = strings.Cut(option, "=")
	global := slices.ContainsFunc(awscli.Options("", ""), func(o awscli.Option) bool { return o.Flag == option })
	at := slices.IndexFunc(all, func(c *command.Command) bool {
		return !global && slices.Contains(command.Names(c.Flags()), option)
	})
	if at < 0 {
		return command.Unknown("", name, all)
	}
	return exit.Usagef("%s needs a command before it; did you mean %q?", option, "ssmguard "+all[at].Name+" "+option+" "+safetext.Line(name))
}
