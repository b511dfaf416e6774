package bastion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/configs"
	"ssmguard/guard/finding"
	"ssmguard/guard/route"
	"ssmguard/proxy/awsdb"
)

// Watch waits for a reason to doubt that a tunnel's far port can be reached.
type Watch struct {
	// Counts returns how many connections are open, and how many bytes have gone each way.
	Counts func() (open int, up, down int64)
	// Refused gets a value when the far side has refused a connection.
	Refused <-chan struct{}
	Every   time.Duration // how often Counts is looked at; 0: defaultEvery
}

// defaultEvery is half of the time for which a connection may stay without an answer: the
// agent waits for a connection that nothing answers as long as its system does, two minutes.
const defaultEvery = 2500 * time.Millisecond

// Doubt is a reason to look at a tunnel's way.
type Doubt struct {
	Silent time.Duration // how long connections have got nothing; 0: one was refused
	Asked  bool          // a client has sent something, and so waits for an answer
}

// Wait returns the first reason. It returns an error when ctx ends. A tunnel that has brought a
// single byte is not doubted for its silence.
func (w Watch) Wait(ctx context.Context) (Doubt, error) {
	every := cmp.Or(w.Every, defaultEvery)
	tick := time.NewTicker(every)
	defer tick.Stop()
	looks := tick.C
	for silent := 0; ; {
		select {
		case <-ctx.Done():
			return Doubt{}, context.Cause(ctx)
		case <-w.Refused:
			return Doubt{}, nil
		case <-looks:
		}
		switch open, up, down := w.Counts(); {
		case down > 0:
			looks = nil
		case open == 0:
			silent = 0
		default:
			if silent++; silent > 2 { // at least two whole periods
				return Doubt{Silent: 2 * every, Asked: up > 0}, nil
			}
		}
	}
}

// Line says what the doubt is about, "" for a refusal, which was told of already.
func (d Doubt) Line(where string) string {
	if d.Silent == 0 {
		return ""
	}
	return fmt.Sprintf("nothing has come back from %s for %v", where, d.Silent)
}

// Endpoint looks up the database that a tunnel leads to. It is nil for a tunnel that leads to
// something else.
func Endpoint(ctx context.Context, cfg aws.Config, conf configs.Tunnel) (*awsdb.Endpoint, error) {
	look, name := awsdb.RDS, conf.RDS
	switch {
	case conf.ElastiCache != "":
		look, name = awsdb.ElastiCache, conf.ElastiCache
	case name != "":
	case strings.Contains(conf.Host, ".cache.amazonaws.com"):
		look, name = awsdb.ElastiCache, conf.Host
	case awsdb.IsRDS(conf.Host):
		name = conf.Host
	default:
		return nil, nil
	}
	e, err := look(ctx, cfg, name, conf.Reader)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// Explain says how the way from a target to the database of a tunnel is, in lines; none if the
// tunnel leads to no database, or if there is nothing to say about it after a doubt.
func Explain(ctx context.Context, n Network, cfg aws.Config, conf configs.Tunnel, target string, doubt Doubt) []string {
	e, err := Endpoint(ctx, cfg, conf)
	var none *awsdb.NotFoundError
	switch {
	case errors.As(err, &none) && len(none.Refused) > 0:
		return []string{"its security groups cannot be told: " + lookupRefused(none)}
	case err != nil || e == nil:
		return nil
	}
	w := NewDatabase(n, cfg, *e, conf.Port).FromTarget(ctx, target)
	if doubt.Silent > 0 && !doubt.Asked && w.Verdict != route.Blocked {
		return nil // the client may be the one who is silent
	}
	return w.Lines()
}

// lookupRefused names the permission that a lookup lacks.
func lookupRefused(none *awsdb.NotFoundError) string {
	var calls []string
	for _, err := range none.Refused {
		if r, ok := finding.ParseRefusal(err.Error()); ok && r.Action != "" {
			calls = append(calls, r.Action)
		}
	}
	if len(calls) == 0 {
		return none.Error()
	}
	return strings.Join(calls, " or ") + " would show them"
}
