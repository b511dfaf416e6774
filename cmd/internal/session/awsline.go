package session

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/pick"
	"ssmguard/cmd/internal/program"
	"ssmguard/internal/safetext"
)

// StartSession runs the words after `start-session`.
func StartSession(ctx context.Context, p *env.Process, words []string) error {
	line, err := ask.ReadSession(p, words, pick.Possible(p))
	if err == nil && line.Call.Lacks {
		err = pickTarget(ctx, line)
	}
	if err == nil {
		err = run(ctx, line)
	}
	return err
}

// SSM runs the words after `aws` when they must be a command of ours.
func SSM(ctx context.Context, p *env.Process, words []string) error {
	p.AWSVoice = true
	line, err := ask.Read(p, words)
	if err != nil {
		return err
	}
	return run(ctx, line)
}

// run runs a command line that must be a command of ours.
func run(ctx context.Context, line *ask.Line) error {
	switch line.Call.Command {
	case awscli.Help:
		return command.ErrHelp
	case awscli.Version:
		_, err := safetext.Fprintf(line.Process.Stdout, "%s\n", env.Version())
		return err
	case awscli.Foreign:
		return line.Unknown()
	case awscli.ExecuteCommand:
		return execute(ctx, line)
	case awscli.Skeleton:
		return nextInPath(line)
	default:
		return startSession(ctx, line)
	}
}

// AWS runs the words after `aws`, or passes a command that is not ours to the next aws.
func AWS(ctx context.Context, p *env.Process, words []string) error {
	p.AWSVoice = true
	line, err := ask.Read(p, words)
	if err != nil {
		return err
	}
	line.DropIn = true
	switch {
	case !ours(line):
		return nextInPath(line)
	case line.Call.Command == awscli.ExecuteCommand:
		return execute(ctx, line)
	default:
		return startSession(ctx, line)
	}
}

// ours reports whether ssmguard runs a command line of the AWS CLI: one that starts a
// session, unless the user's alias file redefines the command.
func ours(l *ask.Line) bool {
	switch service := l.Call.Service; l.Call.Command {
	case awscli.StartSession, awscli.ExecuteCommand:
		return !l.Call.Globals.AutoPrompt && !awsconf.Aliased(service, ask.OperationOf[service], l.Process.Lookup)
	}
	return false
}

// nextInPath passes a command line to the next aws in PATH.
func nextInPath(l *ask.Line) error {
	return elsewhere(l, func(path string, args, environ []string) error { return program.Become(l.Process, path, args, environ) })
}

// elsewhere passes a command line that is not ours to the next aws. Without another aws
// it prints help or the version, or returns an error.
func elsewhere(l *ask.Line, become func(path string, args, environ []string) error) error {
	err := passThrough(l.Process, l.Words, become)
	if !errors.Is(err, errNoOtherAWS) {
		return err
	}
	switch l.Call.Command {
	case awscli.Help:
		return command.ErrHelp
	case awscli.Version:
		_, err := safetext.Fprintf(l.Process.Stdout, "%s\n", env.Version())
		return err
	case awscli.Skeleton:
		return exit.Usagef("--generate-cli-skeleton is the AWS CLI's own, and there is no other aws in PATH to hand it to")
	}
	if l.Call.Refusal != nil {
		l.Process.Asked.NoOtherAWS = true
		return l.Call.Refusal // the error of the AWS CLI, as if it had only our commands
	}
	return err
}

// startSession runs a command line that asks for a session.
func startSession(ctx context.Context, l *ask.Line) error {
	w, conf, err := l.Connect(ctx)
	if err != nil {
		return err
	}
	defer w.Evidence.Close()
	return newStart(l, w, conf).run(ctx)
}
