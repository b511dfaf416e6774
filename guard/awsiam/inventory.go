package awsiam

import (
	"context"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/internal/awsapi"
)

// factReader reads what the grants of a request depend on.
type factReader struct{ *connection }

// Facts reads what the grants of a request depend on: the target's tags and
// health, the document's owner, type, tags and key. Every read is tried, all at
// once. The Facts are usable beside an error: Facts.Unknown names what is
// missing, and the error joins a *guard.NotVisible or *Error for every read that
// failed. r.Caller is not used.
func (c factReader) Facts(ctx context.Context, r guard.Request) (guard.Facts, error) {
	f, err := c.startFacts(ctx, r).get(ctx, c.connection, c.factsReader(r))
	if err != nil && f.At.IsZero() { // we stopped waiting: nothing was read
		f = guard.UnknownFacts()
	}
	return f, err
}

func (c factReader) startFacts(ctx context.Context, r guard.Request) *flight[guard.Facts] {
	f := c.current().factsOf(factsKey{r.Region, r.Target, r.Document, r.Container})
	f.start(ctx, c.connection, c.factsReader(r))
	return f
}

// part is what one group of reads adds to the facts.
type part struct {
	apply   func(*guard.Facts) // nil when nothing was read
	unknown []string           // of guard's Unknown names
	err     error
}

func (c factReader) factsReader(r guard.Request) func(context.Context) (guard.Facts, error) {
	return func(ctx context.Context) (guard.Facts, error) {
		reads := []func(context.Context, guard.Request) part{
			c.targetFacts, c.documentTagFacts, c.documentFacts, c.registrationFacts, c.connectionFacts,
		}
		parts := make([]part, len(reads))
		each(len(reads), func(i int) { parts[i] = reads[i](ctx, r) })

		f := guard.Facts{At: c.apis["ssm"].Now()}
		var errs []error
		for _, p := range parts {
			if p.apply != nil {
				p.apply(&f)
			}
			for _, name := range p.unknown {
				if !containsFold(f.Unknown, name) {
					f.Unknown = append(f.Unknown, name)
				}
			}
			errs = append(errs, p.err)
		}
		if ctx.Err() != nil {
			return guard.Facts{}, ctx.Err()
		}
		return f, joinDistinct(errs)
	}
}

// targetFacts reads the target's tags, and what the same call tells of its health.
func (c factReader) targetFacts(ctx context.Context, r guard.Request) part {
	switch {
	case r.Target == "":
		return part{}
	case strings.HasPrefix(r.Target, "mi-"):
		return c.managedNodeFacts(ctx, r)
	case strings.HasPrefix(r.Target, "ecs:"):
		return c.taskFacts(ctx, r)
	}
	return c.instanceFacts(ctx, r)
}

func (c factReader) instanceFacts(ctx context.Context, r guard.Request) part {
	const op = "ec2:DescribeInstances"
	out, err := call[instances](ctx, c.connection, r.Region, op, awsapi.Form{"InstanceId.1": r.Target})
	if KindOf(err) == KindNotFound || err == nil && len(out.Instances) == 0 {
		region := ""
		if hasID(r.Target, "i-") {
			region = c.findInstance(ctx, r)
		}
		return part{
			apply:   func(f *guard.Facts) { f.Health.Missing, f.Health.FoundIn = true, region },
			unknown: []string{guard.UnknownTargetTags},
		}
	}
	if err != nil {
		return part{unknown: []string{guard.UnknownTargetTags, guard.UnknownHealth}, err: unseen(op, "", err)}
	}
	i := out.Instances[0]
	return part{apply: func(f *guard.Facts) {
		f.TargetTags, f.Health.State, f.Health.Profile = tagMap(i.Tags), i.State, &i.Profile
	}}
}

// findInstance looks for an instance in the other regions of the account, since
// a session to it would fail with nothing but TargetNotConnected. It returns ""
// when it is nowhere or nobody tells.
func (c factReader) findInstance(ctx context.Context, r guard.Request) string {
	regions, err := call[struct {
		Names []string `xml:"regionInfo>item>regionName"`
	}](ctx, c.connection, "", "ec2:DescribeRegions", awsapi.Form{})
	if err != nil {
		return ""
	}
	found := make([]bool, len(regions.Names))
	each(len(found), func(i int) {
		region := regions.Names[i]
		if region == "" || region == r.Region {
			return
		}
		out, err := call[instances](ctx, c.connection, region, "ec2:DescribeInstances", awsapi.Form{"InstanceId.1": r.Target})
		found[i] = err == nil && len(out.Instances) > 0
	})
	if i := slices.Index(found, true); i >= 0 {
		return regions.Names[i]
	}
	return ""
}

// factsOf returns the flight of one request's facts.
func (m *memo) factsOf(key factsKey) *flight[guard.Facts] {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.facts[key]
	if !ok {
		f = new(flight[guard.Facts])
		m.facts[key] = f
	}
	return f
}
