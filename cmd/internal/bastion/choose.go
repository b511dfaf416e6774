package bastion

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/pick"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/guard/route"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/awsdb"
)

// candidate is an instance of the database's VPC, and what is known of it.
type candidate struct {
	awsiam.Placed
	way     Way
	verdict policy.Verdict // whether the caller may start a session on it
}

// label is the candidate as people know it.
func (c candidate) label() string {
	if c.Name == "" {
		return c.ID
	}
	return fmt.Sprintf("%s (%s)", c.Name, c.ID)
}

// fitness is how well a candidate fits.
type fitness int

// The best first.
const (
	fits      fitness = iota // it is online, may be used, and reaches the database
	mayFit                   // nothing that is known speaks against it
	startable                // it fits, but for being stopped
	fitsNot
)

func (c candidate) stopped() bool { return c.State == "stopped" }

// fit returns how well the candidate fits. unseen means that Systems Manager did not tell which
// agents are online.
func (c candidate) fit(unseen bool) fitness {
	known := c.way.Verdict == route.Open && c.verdict == policy.Allow
	switch {
	case c.way.Verdict == route.Blocked || c.verdict.Denies():
		return fitsNot
	case c.stopped():
		return startable
	case c.Ping == online && known:
		return fits
	case c.Ping == online, unseen && c.State == running:
		return mayFit
	}
	return fitsNot
}

// What EC2 and Systems Manager say of an instance that takes sessions.
const (
	running = "running"
	online  = "Online"
)

// faults say why a candidate cannot be used, the gravest last.
func (c candidate) faults() (faults []string) {
	switch {
	case c.stopped():
		faults = append(faults, "it is stopped")
	case c.State != running:
		faults = append(faults, "it is "+c.State)
	case c.Ping != online:
		faults = append(faults, "its agent is not online")
	}
	if c.verdict.Denies() {
		faults = append(faults, "IAM does not let you start a session on it")
	}
	if c.way.Verdict == route.Blocked {
		faults = append(faults, c.way.Summary())
	}
	return faults
}

// Choose returns the target for a tunnel to a database whose target is not given: an instance of
// the database's VPC that is online, that the caller may use, and that security groups let
// through. Of several one is picked on a terminal, if there is one to ask at. A stopped one is
// taken for a tunnel that starts its target, if no other can be.
func Choose(ctx context.Context, l *ask.Line, conf configs.Tunnel, mayAsk bool) (id string, err error) {
	session, err := configure(ctx, l)
	if err != nil {
		return "", err
	}
	evidence := l.Gather(session)
	defer evidence.Close()
	status := l.Process.ShowStatus("looking for a target that reaches "+leadsTo(conf), 0)
	all, unseen, err := candidates(ctx, l, session, evidence, conf)
	status()
	if err != nil {
		return "", err
	}
	best := take(all, unseen, conf.Start == configs.On)
	switch {
	case len(best) == 0:
		return "", nobody(all, conf, session.Region)
	case len(best) > 1 && mayAsk && pick.Possible(l.Process):
		at, err := pick.One(ctx, l.Process, "target", items(best))
		if err != nil {
			return "", err
		}
		return best[at].ID, nil
	case len(best) > 1:
		return "", exit.Usagef("%d targets reach %s; give one with --target: %s", len(best), leadsTo(conf), list(best))
	}
	how := "which security groups let reach " + leadsTo(conf)
	if one := best[0]; one.way.Verdict != route.Open {
		how = one.way.Summary()
	}
	safetext.Fprintf(l.Process.Notes(), "ssmguard: through %s, %s\n", best[0].label(), how)
	return best[0].ID, nil
}

// configure loads the configuration of a session whose target is not known yet.
func configure(ctx context.Context, l *ask.Line) (*awsconf.Session, error) {
	defer l.Process.ShowStatus("getting credentials", 0)()
	session, err := awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Files: l.Process.AWSFiles(), Prompt: l.Prompter()})
	if err != nil {
		return nil, err
	}
	l.Process.Asked.Region = session.Region
	_, err = session.Credentials.Retrieve(ctx)
	return session, err
}

// leadsTo is the database as the user called it.
func leadsTo(conf configs.Tunnel) string { return cmp.Or(conf.RDS, conf.ElastiCache) }

// take returns the candidates that fit best.
func take(all []candidate, unseen, start bool) []candidate {
	by := make(map[fitness][]candidate)
	for _, c := range all {
		f := c.fit(unseen)
		by[f] = append(by[f], c)
	}
	kinds := []fitness{fits, mayFit}
	if start {
		kinds = append(kinds, startable)
	}
	for _, f := range kinds {
		if len(by[f]) > 0 {
			return by[f]
		}
	}
	return nil
}

// candidates are the instances of the database's VPC, those first that are called bastions.
// unseen means that Systems Manager did not tell which agents are online.
func candidates(ctx context.Context, l *ask.Line, s *awsconf.Session, evidence *awsiam.Client, conf configs.Tunnel) (all []candidate, unseen bool, err error) {
	e, err := Endpoint(ctx, s.Config, conf)
	if err != nil {
		return nil, false, database.LookupError(err, conf, leadsTo(conf))
	}
	d := NewDatabase(evidence, s.Config, *e, conf.Port)
	vpc := d.VPC(ctx)
	if vpc == "" {
		w := Way{Database: d.Name, unread: d.unread, Way: route.Way{Needs: []route.Need{{Kind: route.NeedTo}}}}
		return nil, false, exit.Coded(safetext.Sprintf("which target reaches %s cannot be told (%s); give one with --target", leadsTo(conf), rowText(w.needRows())), exit.Refused)
	}
	placed, err := evidence.NodesIn(ctx, s.Region, vpc)
	if err != nil && len(placed) == 0 {
		return nil, false, &awsiam.LookupError{Region: s.Region, Err: err}
	}
	unseen = err != nil
	var groups []string
	for _, p := range placed {
		groups = append(groups, p.End.Groups...)
	}
	d.read(ctx, slices.Concat(groups, d.Network.Groups))
	verdicts := mayUse(ctx, l, evidence, s.Region, placed, *e)
	for _, p := range placed {
		all = append(all, candidate{p, d.From(ctx, p.End), verdicts[p.ID]})
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.rank(), b.rank()) })
	return all, unseen, nil
}

// rowText are rows in one line.
func rowText(rows []Row) string {
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.Label+" "+r.Text)
	}
	return strings.Join(texts, "; ")
}

// rank is lower for what is named as a bastion.
func (c candidate) rank() int {
	for _, value := range c.Tags {
		value = strings.ToLower(value)
		if strings.Contains(value, "bastion") || strings.Contains(value, "jump") {
			return 0
		}
	}
	return 1
}

// mayUse returns whether the caller may start the tunnel's session on each of some nodes, by the
// policies that can be read. With --guard off nobody is asked, and all may be.
func mayUse(ctx context.Context, l *ask.Line, evidence *awsiam.Client, region string, placed []awsiam.Placed, e awsdb.Endpoint) map[string]policy.Verdict {
	verdicts := make(map[string]policy.Verdict)
	if l.Own.Guard == configs.GuardOff {
		for _, p := range placed {
			verdicts[p.ID] = policy.Allow
		}
		return verdicts
	}
	caller, err := evidence.Caller(ctx)
	if err != nil {
		return verdicts
	}
	set, _ := evidence.Policies(ctx, caller) // usable beside an error: what is missing is partial
	r := ask.Request(l.Call.Input, region)
	r.Caller = caller
	var ids []string
	tags := make(map[string]map[string]string)
	for _, p := range placed {
		ids = append(ids, p.ID)
		tags[p.ID] = p.Tags
	}
	for _, o := range guard.Targets(set, r, ids, tags) {
		verdicts[o.Name] = o.Verdict
	}
	return verdicts
}

// items are candidates to choose from.
func items(all []candidate) (out []pick.Item) {
	for _, c := range all {
		state := cmp.Or(c.Ping, c.State)
		if c.stopped() {
			state = c.State
		}
		out = append(out, pick.Item{Cells: []string{c.Name, c.ID, state, c.PrivateIP, strings.Join(c.End.Groups, " ")}, Said: c.label()})
	}
	return out
}

// list are candidates in one line.
func list(all []candidate) string {
	const most = 10
	var labels []string
	for i, c := range all {
		if i == most {
			labels = append(labels, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		labels = append(labels, c.label())
	}
	return strings.Join(labels, ", ")
}

// nobody is the error for a database that no target reaches: it says why of the nearest.
func nobody(all []candidate, conf configs.Tunnel, region string) error {
	if len(all) == 0 {
		return exit.Coded(safetext.Sprintf("no instance in %s is in the VPC of %s; give one with --target that reaches it by peering", region, leadsTo(conf)), exit.Refused)
	}
	nearest := slices.MinFunc(all, func(a, b candidate) int { return cmp.Compare(len(a.faults()), len(b.faults())) })
	faults := nearest.faults()
	text := safetext.Sprintf("no target can be taken for %s; nearest: %s: %s", leadsTo(conf), nearest.label(), strings.Join(faults, ", and "))
	switch {
	case nearest.way.Verdict == route.Blocked:
		for _, r := range nearest.way.Rows() {
			text += safetext.Sprintf("\n%s", r.String())
		}
	case nearest.verdict.Denies():
		text += safetext.Sprintf("\n  %-8s %s", "why", safetext.Own(safetext.Words([]string{"ssmguard", "check", "--target", nearest.ID})))
	case nearest.stopped():
		text += safetext.Sprintf("\n  %-8s %s", "fix", "give --start, which starts it")
	}
	return exit.Coded(text, exit.Refused)
}
