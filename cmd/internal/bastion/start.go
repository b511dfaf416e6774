package bastion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
)

// How long an instance that was started may take until its agent is online, and how often it is
// looked at.
const (
	startTime  = 10 * time.Minute
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Start starts a target that is stopped, and waits until its agent is online. allowed is asked
// first: nothing is started for a session that is denied. On a terminal the user is asked, unless
// agreed; elsewhere nothing is started without that. A target in another state is left as it is.
func Start(ctx context.Context, l *ask.Line, agreed bool, allowed func(context.Context) error) error {
	session, err := l.Configure(ctx)
	if err != nil {
		return err
	}
	evidence := l.Gather(session)
	defer evidence.Close()
	name := l.Call.Input.Target
	id, err := evidence.ResolveTarget(ctx, session.Region, name)
	if err != nil {
		return nil //nolint:nilerr // opening the session tells what is wrong
	}
	what := id
	if name != id {
		what = fmt.Sprintf("%s (%s)", name, id)
	}
	state, _, err := evidence.State(ctx, session.Region, id)
	switch {
	case awsiam.KindOf(err) == awsiam.KindDenied && state == "":
		safetext.Fprintf(l.Process.Notes(), "ssmguard: warning: whether %s is stopped cannot be told without %s\n", what, awsiam.InstancePermission)
		return nil
	case state == "stopping":
		return exit.Coded(safetext.Sprintf("%s is stopping; try again when it has stopped", what), exit.Other)
	case state == "stopped":
		if err := allowed(ctx); err != nil {
			return err
		}
		if err := agree(ctx, l.Process, what, agreed); err != nil {
			return err
		}
		if err := evidence.StartInstance(ctx, session.Region, id); err != nil {
			return refusedStart(what, err)
		}
		safetext.Fprintf(l.Process.Notes(), "ssmguard: %s was stopped and is starting\n", what)
	case state != "pending":
		return nil
	}
	return awaitOnline(ctx, l.Process, evidence, session.Region, id, what)
}

// agree asks whether a target may be started.
func agree(ctx context.Context, p *env.Process, what string, agreed bool) error {
	if agreed {
		return nil
	}
	if !p.CanConfirm() {
		return exit.Usagef("%s is stopped; give --yes to have it started where nobody can be asked", what)
	}
	yes, err := p.Confirm(ctx, safetext.Sprintf("%s is stopped; start it?", what))
	if err == nil && !yes {
		err = exit.Coded(safetext.Sprintf("%s is stopped, and was not started", what), exit.Other)
	}
	return err
}

// refusedStart is the error of an instance that AWS does not start.
func refusedStart(what string, err error) error {
	var own *awsiam.Error
	if errors.As(err, &own) && own.Kind == awsiam.KindDenied {
		return exit.Coded(safetext.Sprintf("%s is stopped, and AWS refuses to start it without %s", what, own.Permission), exit.Refused)
	}
	return fmt.Errorf("starting %s: %w", what, err)
}

// awaitOnline waits until the agent of an instance is online.
func awaitOnline(ctx context.Context, p *env.Process, evidence *awsiam.Client, region, id, what string) error {
	defer p.ShowStatus("waiting for "+what+" to come online", startTime)()
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, exit.Coded(safetext.Sprintf(
		"%s was started, and its agent is not online after %v; see \"ssmguard doctor --target %s\"", what, startTime, safetext.Word(id)), exit.Other))
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		state, ping, err := evidence.State(ctx, region, id)
		switch {
		case state == running && ping == online:
			return nil
		case state == running && awsiam.KindOf(err) == awsiam.KindDenied:
			return nil // nobody tells of the agent: opening the session waits for it
		case err == nil && (state == "stopped" || state == "stopping" || state == ""):
			return exit.Coded(safetext.Sprintf("%s was started, and is %s again", what, orGone(state)), exit.Other)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func orGone(state string) string {
	if state == "" {
		return "gone"
	}
	return state
}
