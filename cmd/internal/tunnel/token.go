package tunnel

import (
	"context"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/awsdb"
)

// token makes the password for the tunnel's database user, of the kind that the engine
// takes. It is signed for the server's own address, never for the local end's.
func (f far) token(ctx context.Context, p *env.Process, a database.Access) (string, error) {
	e, conf := f.endpoint, f.conf
	kind := a.Engine.Token
	if a.Engine.Name == "" { // a server that is not known is asked as RDS's are
		kind = database.TokenRDS
	}
	switch {
	case kind == database.NoToken:
		return "", exit.Usagef("%s", a.Engine.Refusal())
	case conf.User == "":
		return "", exit.Usagef("an IAM token is for a database user who has no password; give --user")
	case conf.Host == "":
		return "", exit.Usagef("an IAM token is for a database by its real name; give the tunnel a host or rds")
	case kind == database.TokenDSQL:
		return awsdb.DSQLToken(ctx, f.aws.Config, conf.Host, conf.User)
	case kind == database.TokenRDS:
		if e.Engine != "" && !e.IAMAuth && !conf.IAMAuth {
			safetext.Fprintf(p.Notes(), "ssmguard: warning: IAM authentication is off for %s %s: it will refuse the token\n", e.Kind, e.Name)
		}
		return awsdb.Token(ctx, f.aws.Config, conf.Host, conf.Port, conf.User)
	case conf.ElastiCache == "":
		return "", exit.Usagef("an IAM token for a cache names it; give the tunnel elasticache in place of host")
	case !e.TakesTokens():
		return "", exit.Usagef("%s %s takes no IAM tokens; replication groups and serverless caches of Valkey and Redis do, over TLS", e.Kind, e.Name)
	}
	return awsdb.CacheToken(ctx, f.aws.Config, e.Name, e.Serverless(), conf.User)
}

// warnLogin warns of a token that the database will refuse, because the caller's
// policies do not allow the login of the database user. AWS does not check that when a
// token is made. If the policies cannot be read there is no warning.
func (f far) warnLogin(ctx context.Context, p *env.Process) {
	action, resources := f.endpoint.Login(f.conf.User)
	if len(resources) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, guard.DefaultPatience)
	defer cancel()
	evidence := f.line.Gather(f.aws)
	defer evidence.Close()
	caller, err := evidence.Caller(ctx)
	if err != nil {
		f.line.Log.Debug("the caller of a token is not known", "err", err)
		return
	}
	request := guard.Request{Caller: caller, Region: f.aws.Region}
	rulings, err := guard.Local{Source: evidence}.Simulate(ctx, caller, finding.LoginNeeds(request, action, resources...))
	if err != nil {
		f.line.Log.Debug("not every policy could be read", "err", err)
	}
	var missing []string
	for _, r := range rulings {
		if !r.Answer.Verdict.Denies() {
			continue
		}
		why := "no policy allows it"
		if r.Answer.Verdict == policy.ExplicitDeny {
			why = "a policy denies it"
		} else {
			missing = append(missing, r.Grant.Resource)
		}
		safetext.Fprintf(p.Notes(), "ssmguard: warning: the token will be refused: %s may not do %s on %s: %s\n", caller.Name(), action, r.Grant.Resource, why)
	}
	if len(missing) > 0 {
		safetext.Fprintf(p.Stderr, "  fix      add to %s:\n           %s\n", caller.Home(), database.Allowing([]string{action}, missing))
	}
}
