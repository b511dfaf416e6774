package cli

import (
	"context"
	"errors"

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
Systems Manager. Our own options are those of "ssmguard start-session".
`

// ecs runs the words after `ecs`.
func (p *process) ecs(ctx context.Context, words []string) error {
	line, err := p.sessionLine(append([]string{"ecs"}, words...))
	if err != nil {
		return ownVoice("ecs", err)
	}
	switch line.call.Command {
	case awscli.Help:
		return errHelp
	case awscli.ExecuteCommand:
		return ownVoice("ecs", line.execute(ctx))
	case awscli.Print:
		return line.start(ctx)
	}
	if line.call.Refusal != nil {
		return line.unknown()
	}
	return usagef("ecs knows execute-command only; see %q", "ssmguard help ecs")
}

// execute runs a command in a task, from the configuration to the session's end.
func (l *sessionLine) execute(ctx context.Context) error {
	conf, err := l.configure(ctx)
	if err != nil {
		return err
	}
	w, err := l.task(ctx, conf)
	if err != nil {
		return err
	}
	defer w.evidence.Close()
	return (&startOptions{sessionLine: l, world: w}).run(ctx)
}

// task makes the world of a command in a task.
func (l *sessionLine) task(ctx context.Context, conf *awsconf.Session) (*world, error) {
	api := awsssm.New(conf.SSM, "")
	opener := awsssm.NewExecutor(conf.ECS, awsssm.Command(l.call.Execute), api)
	target, container, err := opener.Find(ctx)
	var choice *awsssm.ContainerError
	switch {
	case errors.As(err, &choice):
		return nil, codedError{err.Error(), exitUsage}
	case err != nil:
		return nil, err
	}
	evidence := l.gather(conf)
	return &world{
		request:  guard.Request{Region: conf.Region, Target: target, Document: guard.ExecuteDocument, Container: container},
		evidence: evidence,
		policies: evidence,
		guard: &guard.Guard{
			Inventory:  evidence,
			Simulators: []guard.Simulator{evidence, guard.Local{Source: evidence}},
			Log:        l.log,
		},
		spec:   proxy.Spec{Target: target, Region: conf.Region, Profile: conf.ActiveProfile, Endpoint: conf.Endpoint},
		opener: opener,
		plugin: func(ctx context.Context) (proxy.Plugin, error) { return l.carrier(ctx, conf, api) },
	}, nil
}
