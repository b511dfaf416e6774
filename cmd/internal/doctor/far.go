package doctor

import (
	"context"
	"strconv"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/bastion"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/guard/route"
	"ssmguard/proxy/awsdb"
)

// far is the database behind the target: that of our own options, or the one whose address is
// in the parameters of the session's document.
type far struct {
	tunnel   configs.Tunnel
	endpoint *awsdb.Endpoint // nil: there is none
}

// remoteDocument is the document that forwards to another host than the target.
const remoteDocument = "AWS-StartPortForwardingSessionToRemoteHost"

// flags declares the options for a database.
func (f *far) flags() []command.Flag {
	const group = "the database of a tunnel through the target"
	return []command.Flag{
		{Name: "--rds", Value: "DATABASE", Text: "a DB cluster, instance or proxy, or its endpoint: may the target reach it?", Group: group, Set: command.Text(&f.tunnel.RDS)},
		{Name: "--elasticache", Value: "CACHE", Text: "a cache, or its endpoint, likewise", Group: group, Set: command.Text(&f.tunnel.ElastiCache)},
	}
}

// check checks the options for a database, and takes the address from a document's parameters.
func (f *far) check(in awscli.Input) error {
	asked := f.tunnel.RDS != "" || f.tunnel.ElastiCache != ""
	switch {
	case f.tunnel.RDS != "" && f.tunnel.ElastiCache != "":
		return exit.Usagef("give only one of --rds and --elasticache")
	case asked && in.Target == "":
		return exit.Usagef("give the --target through which the database is to be reached")
	case asked && in.DocumentName != "":
		return exit.Usagef("--rds and --elasticache have a document of their own; leave out --document-name")
	case asked:
		return nil
	}
	for _, p := range in.Parameters {
		switch {
		case len(p.Values) != 1:
		case p.Name == "host":
			f.tunnel.Host = p.Values[0]
		case p.Name == "portNumber":
			f.tunnel.Port, _ = strconv.Atoi(p.Values[0])
		}
	}
	return nil
}

// lookUp finds the database, and completes the session that leads there. It returns checks if
// that fails.
func (f *far) lookUp(ctx context.Context, d *doctor) []report.Check {
	e, err := bastion.Endpoint(ctx, d.conf.Config, f.tunnel)
	asked := f.tunnel.RDS + f.tunnel.ElastiCache
	switch {
	case err != nil && asked != "":
		return []report.Check{{Level: report.Fail, Name: "database", Text: env.OneLine(database.LookupError(err, f.tunnel, asked))}}
	case err != nil || e == nil: // its address is enough for the rest
		return nil
	}
	f.endpoint = e
	if asked != "" {
		d.Line.Call.Fill(awscli.Input{DocumentName: remoteDocument, Parameters: []awscli.Parameter{
			{Name: "host", Values: []string{e.Host}}, {Name: "portNumber", Values: []string{strconv.Itoa(e.Port)}},
		}})
	}
	return nil
}

// network checks whether security groups let the target reach the database.
func (f *far) network(ctx context.Context, d *doctor, target string) []report.Check {
	if f.endpoint == nil {
		return nil
	}
	w := bastion.NewDatabase(d.evidence, d.conf.Config, *f.endpoint, f.tunnel.Port).FromTarget(ctx, target)
	c := report.Check{Level: report.Warn, Name: "network"}
	c.Text, c.Do = w.Brief()
	switch {
	case w.Verdict == route.Blocked:
		c.Level = report.Fail
	case w.Verdict == route.Open && w.Status == "":
		c.Level = report.OK
	}
	return []report.Check{c}
}
