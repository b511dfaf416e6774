package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/bastion"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/pick"
	"ssmguard/cmd/internal/session"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/proxy/awsdb"
)

// choose has the user choose, on a terminal, what a command line leaves open: a tunnel, if it
// names and describes none, or the target or the database of one that it describes in part. What
// was chosen is as if it had been typed. The target of a database is left to aim.
func (o *Options) choose(ctx context.Context, p *env.Process) error {
	if len(o.Words) > 0 || o.Spot.RDS != "" || o.Spot.ElastiCache != "" || o.Output == "json" || !pick.Possible(p) {
		return nil
	}
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return err
	}
	settings, err := c.OnTheSpot()
	if err != nil {
		return nil //nolint:nilerr // the project's file is asked about, or told of, later
	}
	t := o.over(configs.Tunnel{Settings: settings})
	far := t.Host != "" || t.Port != 0
	switch {
	case t.Target == "" && !far:
		return o.chooseTunnel(ctx, p, c)
	case t.Target == "":
		line, err := sessionLine(p, t, o)
		if err != nil {
			return err
		}
		if o.Spot.Target, err = session.PickTarget(ctx, line); err == nil {
			o.typed("--target", o.Spot.Target)
		}
		return err
	case !far:
		return o.chooseDatabase(ctx, p, t)
	}
	return nil
}

// aim finds the targets of tunnels to databases that give none. A process in the background has
// no user to ask.
func (o *Options) aim(ctx context.Context, p *env.Process, tunnels []configs.Tunnel) error {
	for i, t := range tunnels {
		if t.Target != "" {
			continue
		}
		mayAsk := o.Output != "json" && p.Getenv(processVariable) == "" && pick.Possible(p)
		id, err := targetOf(ctx, p, t, o, mayAsk)
		if err != nil {
			about := ""
			if len(tunnels) > 1 {
				about = t.Name
			}
			return &tunnelError{t.Name, eventError(err), err, about}
		}
		tunnels[i].Target, tunnels[i].Found = id, true
	}
	return nil
}

// targetOf returns a target that reaches the database of a tunnel.
func targetOf(ctx context.Context, p *env.Process, t configs.Tunnel, o *Options, mayAsk bool) (string, error) {
	session := t
	session.Host = cmp.Or(t.RDS, t.ElastiCache) // in the place of what is looked up: it decides the document
	line, err := sessionLine(p, session, o)
	if err != nil {
		return "", err
	}
	return bastion.Choose(ctx, line, t, mayAsk)
}

// typed adds an option to the words of the command line, for a process in the background.
func (o *Options) typed(words ...string) { o.raw = append(words, o.raw...) }

// chooseTunnel has the user choose a tunnel or a group of the configuration.
func (o *Options) chooseTunnel(ctx context.Context, p *env.Process, c configs.Config) error {
	var names []string
	var items []pick.Item
	add := func(name string, cells ...string) {
		names = append(names, name)
		items = append(items, pick.Item{Cells: append([]string{name}, cells...), Said: name})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		t := c.Tunnels[name]
		add(name, t.LocalEnd(), "to "+t.Leads())
	}
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		add(name, "group", strings.Join(c.Groups[name], ", "))
	}
	if len(names) == 0 {
		return nil
	}
	at, err := pick.One(ctx, p, "tunnel", items)
	if err != nil {
		return err
	}
	o.Words = []string{names[at]}
	o.typed(names[at])
	return nil
}

// chooseDatabase has the user choose the database that a tunnel leads to.
func (o *Options) chooseDatabase(ctx context.Context, p *env.Process, t configs.Tunnel) error {
	line, err := sessionLine(p, t, o)
	if err != nil {
		return err
	}
	databases, caches, err := endpoints(ctx, p, line)
	if err != nil {
		return err
	}
	var items []pick.Item
	for _, e := range slices.Concat(databases, caches) {
		address := ""
		if e.Host != "" { // one that is being created has none
			address = fmt.Sprintf("%s:%d", e.Host, e.Port)
		}
		items = append(items, pick.Item{Cells: []string{e.Name, e.Kind, e.Engine, e.Status, address}, Said: e.Name + " (" + e.Kind + ")"})
	}
	if len(items) == 0 {
		return exit.Usagef("--port is missing, and no database was found in %s to choose from; give --host and --port", line.Process.Asked.Region)
	}
	at, err := pick.One(ctx, p, "database", items)
	switch {
	case err != nil:
		return err
	case at < len(databases):
		o.Spot.RDS = databases[at].Name
		o.typed("--rds", o.Spot.RDS)
	default:
		o.Spot.ElastiCache = caches[at-len(databases)].Name
		o.typed("--elasticache", o.Spot.ElastiCache)
	}
	return nil
}

// endpoints lists the databases and the caches of an account that may be listed.
func endpoints(ctx context.Context, p *env.Process, line *ask.Line) (databases, caches []awsdb.Endpoint, err error) {
	conf, err := line.Configure(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.ShowStatus("looking for databases in "+conf.Region, 0)()
	return awsdb.Databases(ctx, conf.Config), awsdb.Caches(ctx, conf.Config), nil
}
