package session

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// ECS runs the words after `ecs`.
func ECS(ctx context.Context, p *env.Process, words []string) error {
	line, err := ask.Read(p, append([]string{"ecs"}, words...))
	if err != nil {
		return err
	}
	switch line.Call.Command {
	case awscli.Help:
		return command.ErrHelp
	case awscli.ExecuteCommand:
		return execute(ctx, line)
	case awscli.Skeleton:
		return nextInPath(line)
	}
	if line.Call.Refusal != nil {
		return line.Unknown()
	}
	return exit.Usagef("ecs knows execute-command only; see %q", "ssmguard help ecs")
}

// pluginBanner is the text that the AWS CLI prints on stdout before a command, because
// it looks for the plugin by running it without arguments.
const pluginBanner = "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n\n"

// execute runs a command in a task.
func execute(ctx context.Context, l *ask.Line) error {
	if l.DropIn {
		if _, err := io.WriteString(l.Process.Stdout, pluginBanner); err != nil {
			return err
		}
	}
	conf, err := l.ConfigureSession(ctx)
	if err != nil {
		return err
	}
	w, err := task(ctx, l, conf)
	if err != nil {
		return err
	}
	defer w.Evidence.Close()
	return newStart(l, w, conf).run(ctx)
}

// task makes the guard's question for a command in a task.
func task(ctx context.Context, l *ask.Line, conf *awsconf.Session) (*ask.Question, error) {
	api := awsssm.New(conf.SSM)
	opener := awsssm.NewExecutor(conf.ECS, awsssm.Command(l.Call.Execute), api)
	looked := l.Process.ShowStatus("looking for the task", 0)
	target, container, err := opener.Find(ctx)
	looked()
	var choice *awsssm.ContainerError
	switch {
	case err != nil && l.DropIn:
		err = notFound(ctx, opener, err)
		if exit.As[*proxy.LeftRunningError](err) {
			return nil, err
		}
		return nil, Attempt{Line: l}.Refused(ctx, guard.Decision{}, err)
	case errors.As(err, &choice):
		return nil, exit.WithCode(err, exit.Usage)
	case err != nil:
		return nil, Attempt{Line: l}.Refused(ctx, guard.Decision{}, &taskError{err, whichTask(l.Call.Execute)})
	}
	opener.Spec = proxy.Spec{Target: target, Region: conf.Region, Profile: conf.ActiveProfile, Endpoint: conf.Endpoint}
	evidence := l.Gather(conf)
	return &ask.Question{
		Request:  guard.Request{Region: conf.Region, Target: target, Document: guard.ExecuteDocument, Container: container},
		Evidence: evidence,
		Policies: evidence,
		Guard:    l.Judges(evidence),
		Spec:     opener.Spec,
		Opener:   opener,
	}, nil
}

// taskError is the error of a look-up of a task.
type taskError struct {
	error
	about string
}

// Error begins with the task.
func (e *taskError) Error() string { return e.about + ": " + e.error.Error() }

// About returns the beginning of a text about the error.
func (e *taskError) About() string { return e.about }

// Unwrap returns the cause.
func (e *taskError) Unwrap() error { return e.error }

// whichTask names a command's task and the cluster in which it is looked for.
func whichTask(call awscli.Execute) string {
	if call.Cluster == "" {
		return fmt.Sprintf("task %s in the cluster \"default\", as --cluster is not given", call.Task)
	}
	return fmt.Sprintf("task %s in the cluster %q", call.Task, call.Cluster)
}

// notFound returns the error of a command whose task or container was not found. If AWS
// refuses the command the error is AWS's, as with the AWS CLI, which looks for the task
// afterwards; otherwise it is why.
func notFound(ctx context.Context, opener proxy.Opener, why error) error {
	if ctx.Err() != nil || exit.As[*proxy.Unreachable](why) {
		return why
	}
	session, err := opener.Open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(why, proxy.End(ctx, opener, session.ID))
}
