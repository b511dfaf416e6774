package check

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/finding"
)

// forwardLookup prints the message to forward about a target that could not be looked up:
// there is no decision then, and somebody who may look has to. It prints nothing about other
// errors.
func (o *checkOptions) forwardLookup(ctx context.Context, conf *awsconf.Session, err error) error {
	in := o.Line.Call.Input
	l := report.Lookup{Request: ask.Request(in, conf.Region)}
	var (
		none    *awsiam.NoTarget
		many    *awsiam.AmbiguousTarget
		refused *awsiam.LookupError
	)
	switch {
	case errors.As(err, &none):
		l.Answer = none.Error()
	case errors.As(err, &many):
		for _, n := range many.Candidates {
			l.Candidates = append(l.Candidates, ask.Described(n))
		}
	case errors.As(err, &refused):
		for _, e := range refused.Refusals() {
			call := report.LookupCall{Permission: e.Permission, Answer: e.Error(), Denied: e.Kind == awsiam.KindDenied}
			if r, ok := finding.ParseRefusal(e.Message); ok && call.Denied && (r.Explicit || r.Policy != finding.IdentityPolicy && r.Policy != "") {
				call.Why = r.Clause()
			}
			l.Calls = append(l.Calls, call)
		}
	default:
		return nil
	}
	evidence := o.Line.Gather(conf)
	defer evidence.Close()
	l.Request.Caller, _ = evidence.Caller(ctx) // what is not known of the caller is left out
	if l.Request.Caller.SessionARN == "" {
		l.Request.Caller = guard.Caller{}
	}
	return report.ForwardLookup(o.Line.Process.Stdout, l)
}
