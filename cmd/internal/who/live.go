package who

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
)

// callTimeout bounds one call: pages of an account's details take longer than what a session
// waits for.
const callTimeout = 30 * time.Second

// live reads the account from AWS. What could not be read is named, and the rest is answered; an
// error means that nobody could be asked about.
func (o *options) live(ctx context.Context, has *gathered) ([]person, error) {
	if o.line.Call.Lacks { // a target, which is none of the AWS CLI's business here
		o.line.Call.Fill(awscli.Input{Target: "i-0123456789abcdef0"})
	}
	conf, err := o.line.Configure(ctx)
	if err != nil {
		return nil, err
	}
	o.region = conf.Region
	client := awsiam.New(conf.Config, awsiam.Options{SSMEndpoint: conf.Endpoint, NoCache: true, CallTimeout: callTimeout, ThrottlePause: o.pause})
	defer client.Close()
	defer o.line.Process.ShowStatus("reading the account", 0)()
	r := newRoll()
	if err := client.AccountDetails(ctx, r.details); err != nil {
		if len(r.people) == 0 {
			return nil, exit.WithCode(fmt.Errorf("the users and roles of the account cannot be read: %w; give them with --account FILE", err), exit.Refused)
		}
		r.miss(safetext.Sprintf("there may be more users, roles, groups and policies: %v", err))
	}
	has.missing = append(has.missing, r.missing...)
	o.liveNodes(ctx, client, has)
	o.liveDocuments(ctx, client, has)
	if has.scp == nil {
		scp, partial, err := client.Organization(ctx)
		has.scp = scp
		for _, kind := range partial {
			if kind == policy.SCP {
				has.partial = append(has.partial, kind)
				o.notes = append(o.notes, safetext.Sprintf("the service control policies could not be read, so that they may forbid what else is allowed: %v", first(err)))
			}
		}
	}
	return r.principals(), ctx.Err()
}

// liveNodes reads what sessions could be started on.
func (o *options) liveNodes(ctx context.Context, client *awsiam.Client, has *gathered) {
	nodes, err := client.AllNodes(ctx, o.region)
	for _, n := range nodes {
		if awsiam.Running(n.State) {
			has.add(node{reach.Target{ID: n.ID, Region: o.region, Tags: n.Tags, Untold: n.Tags == nil}, n.Name})
		}
	}
	for _, err := range each(err) {
		what := "there may be more targets"
		if e := (*guard.NotVisible)(nil); errors.As(err, &e) && e.Permission == "ssm:ListTagsForResource" {
			what = "the tags of some managed nodes are not known"
		}
		has.miss(safetext.Sprintf("%s: %v", what, err))
	}
}

// liveDocuments reads which session documents there are.
func (o *options) liveDocuments(ctx context.Context, client *awsiam.Client, has *gathered) {
	documents, err := client.SessionDocuments(ctx, o.region)
	for _, d := range documents {
		has.document(reach.Document{Name: d.Name, Owner: d.Owner, Type: sessionType, Tags: d.Tags})
	}
	if err != nil {
		has.miss(safetext.Sprintf("there may be more documents: %v", first(err)))
	}
	has.known(err == nil)
}

// each returns the errors that were joined.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// first returns the first of the errors that were joined.
func first(err error) error {
	for _, one := range each(err) {
		return one
	}
	return errors.New("nothing is said of why")
}
