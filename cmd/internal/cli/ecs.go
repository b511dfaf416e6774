package cli

import (
	"context"
	"errors"
	"io"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/guard"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

const ecsHelp = `The options are those of "aws ecs execute-command": --cluster, --task, --container,
--command, --interactive, --profile, --region and the rest. Before the command is
sent, ecs:ExecuteCommand is checked on the task and on its cluster. Unlike the AWS
CLI, it keeps the session's token out of the process table and reconnects through
Systems Manager; "ssmguard aws ecs execute-command" does so, too. Our own options are
those of "ssmguard start-session".
`

// ecs runs the words after `ecs`.
func (p *process) ecs(ctx context.Context, words []string) error {
	line, err := p.sessionLine(append([]string{"ecs"}, words...))
	if err != nil {
		return ownVoice("ecs", err, sessionFlags("ecs")...)
	}
	switch line.call.Command {
	case awscli.Help:
		return errHelp
	case awscli.ExecuteCommand:
		return ownVoice("ecs", line.execute(ctx), sessionFlags("ecs")...)
	case awscli.Print:
		return line.start(ctx)
	}
	if line.call.Refusal != nil {
		return line.unknown()
	}
	return usagef("ecs knows execute-command only; see %q", "ssmguard help ecs")
}

// pluginBanner is what the AWS CLI leaves on stdout before a command: it looks for
// the plugin by running it without arguments.
const pluginBanner = "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n\n"

// execute runs a command in a task, from the configuration to the session's end.
func (l *sessionLine) execute(ctx context.Context) error {
	if l.dropIn {
		if _, err := io.WriteString(l.stdout, pluginBanner); err != nil {
			return err
		}
	}
	conf, err := l.configureSession(ctx)
	if err != nil {
		return err
	}
	w, err := l.task(ctx, conf)
	if err != nil {
		return err
	}
	defer w.evidence.Close()
	return newStart(l, w, conf).run(ctx)
}

// task makes the world of a command in a task.
func (l *sessionLine) task(ctx context.Context, conf *awsconf.Session) (*world, error) {
	api := awsssm.New(conf.SSM, "")
	opener := awsssm.NewExecutor(conf.ECS, awsssm.Command(l.call.Execute), api)
	target, container, err := opener.Find(ctx)
	var choice *awsssm.ContainerError
	switch {
	case err != nil && l.dropIn:
		return nil, unfound(ctx, opener, err)
	case errors.As(err, &choice):
		return nil, coded(err.Error(), exitUsage)
	case err != nil:
		return nil, err
	}
	evidence := l.gather(conf)
	return &world{
		request:  guard.Request{Region: conf.Region, Target: target, Document: guard.ExecuteDocument, Container: container},
		evidence: evidence,
		policies: evidence,
		guard:    l.judges(evidence),
		spec:     proxy.Spec{Target: target, Region: conf.Region, Profile: conf.ActiveProfile, Endpoint: conf.Endpoint},
		opener:   opener,
	}, nil
}

// unfound is the end of a command whose task, or container in it, was not found:
// AWS's own words where it refuses the command, as with the AWS CLI, which looks
// for the task afterwards. why is the error if it does not.
func unfound(ctx context.Context, opener proxy.Opener, why error) error {
	if ctx.Err() != nil || as[*proxy.Unreachable](why) {
		return why
	}
	session, err := opener.Open(ctx, proxy.Spec{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	return errors.Join(why, opener.Terminate(ctx, session.ID))
}
