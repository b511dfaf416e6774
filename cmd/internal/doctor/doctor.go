package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// Command declares `ssmguard doctor`.
func Command() *command.Command {
	return &command.Command{
		Command: cli.Command{
			Name: "doctor", Category: command.Sessions, SkipFlagParsing: true, ArgsUsage: "[--target TARGET] [options]",
			Usage: "look at everything a session depends on, and say what to do",
			Description: `Looks at everything that a session depends on and says what to do about what is wrong:
identity, region, endpoints, clock, proxy and certificates, plugin, the age of what
was taken from AWS, the AWS CLI's aliases, the project's file of tunnels; with --target also the target's health and the
grants; with --rds or --elasticache also whether security groups let the target reach that
database. Everything is asked anew, nothing is taken from the cache. It starts nothing. It
exits with 0 when nothing failed.`,
		},
		Options: func() []command.Flag {
			output := command.Flag{Name: "--output", Choices: []string{"text", "json"}, Default: "text", Text: "json is for programs"}
			return ask.AboutSession(append([]command.Flag{output}, new(far).flags()...), "--plugin", "--no-cache")
		},
		Likely: []string{"diagnose", "troubleshoot", "health"},
		Examples: []command.Example{
			{Line: "ssmguard doctor", Text: "look at credentials, network and plugin"},
			{Line: "ssmguard doctor --target bastion --document-name AWS-StartSSHSession", Text: "and at the target and the grants of one session"},
			{Line: "ssmguard doctor --target bastion --rds orders", Text: "and at security groups, for a tunnel to a database"},
		},
		Run: ask.Targeted("doctor", Run),
	}
}

// doctorTime is the time limit for all checks together.
const doctorTime = 20 * time.Second

// doctor checks what a session depends on.
type doctor struct {
	Line     *ask.Line
	far      far
	now      func() time.Time
	conf     *awsconf.Session // nil with a fault
	fault    error            // why
	evidence *awsiam.Client
}

// Run runs the words after `doctor`.
func Run(ctx context.Context, p *env.Process, words []string) error {
	d := &doctor{now: time.Now}
	words, err := command.Take(d.far.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if d.Line, err = ask.ReadSession(p, words, true); err != nil {
		return err
	}
	if err := d.complete(); err != nil {
		return err
	}
	return d.run(ctx)
}

func (d *doctor) complete() error {
	switch d.Line.Call.Command {
	case awscli.Help:
		return command.ErrHelp
	case awscli.StartSession:
	default:
		return exit.Usagef("doctor takes the options of a session; see %q", "ssmguard help doctor")
	}
	if err := d.far.check(d.Line.Call.Input); err != nil {
		return err
	}
	if f := d.Line.Call.Globals.Output; f != "" && f != "text" && f != "json" {
		return exit.Usagef("--output %s: valid: text, json", f)
	}
	return nil
}

// run makes every check, in parallel where they do not depend on each other.
func (d *doctor) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	credentials := d.Line.Process.ShowStatus("getting credentials", doctorTime)
	d.Line.Own.NoCache = true // what was true an hour ago says nothing of what is wrong now
	d.conf, d.fault = awsconf.Load(ctx, awsconf.Options{Globals: d.Line.Call.Globals, Files: d.Line.Process.AWSFiles(), Prompt: d.Line.Prompter()})
	credentials()
	if d.fault == nil {
		d.evidence = d.Line.Gather(d.conf)
		defer d.evidence.Close()
	}
	if d.Line.Call.Globals.Output == "json" {
		checks, err := d.look(ctx, checkups, func([]report.Check) error { return nil })
		if err != nil {
			return err
		}
		if err := report.CheckupJSON(d.Line.Process.Stdout, checks); err != nil {
			return err
		}
		return d.status(checks)
	}
	checks, err := d.look(ctx, checkups, func(found []report.Check) error {
		out := d.Line.Process.Stdout
		return report.Checkup(out, found, env.Width(out), env.IsTerminal(out) && d.Line.Process.Colour())
	})
	if err != nil {
		return err
	}
	return d.status(checks)
}

// look makes checks side by side and tells each group as soon as it and those before it are
// there. The error is the first of tell, or the signal that ended the checks: what it
// interrupted has found nothing.
func (d *doctor) look(ctx context.Context, all []checkup, tell func([]report.Check) error) (checks []report.Check, err error) {
	results := make([]chan []report.Check, len(all))
	for i, c := range all {
		results[i] = make(chan []report.Check, 1)
		go func() { results[i] <- c.look(d, ctx) }()
	}
	for i, c := range all {
		shown := d.Line.Process.ShowStatus("looking at "+c.name, doctorTime)
		found := <-results[i]
		shown()
		if interrupted := context.Cause(ctx); exit.As[env.Signalled](interrupted) {
			return checks, interrupted
		}
		checks = append(checks, found...)
		if err == nil {
			err = tell(found)
		}
	}
	return checks, err
}

// checkup is a group of checks.
type checkup struct {
	name string // for the line that is shown meanwhile
	look func(*doctor, context.Context) []report.Check
}

// checkups are the groups of checks in the order of the output. A group with nothing to
// check returns none.
var checkups = []checkup{
	{"the identity", (*doctor).identity}, {"the region", (*doctor).region}, {"endpoints", (*doctor).endpoints}, {"proxies", (*doctor).proxies},
	{"the plugin", (*doctor).plugins}, {"the age of parts", (*doctor).parts}, {"aliases", (*doctor).aliases}, {"the files of tunnels", (*doctor).tunnels}, {"the target", (*doctor).session},
}

// failCodes are the exit codes for the checks that fail; the first one counts.
var failCodes = map[string]int{"identity": exit.Config, "region": exit.Config, "profile": exit.Config, "config": exit.Config, "grant": exit.Refused, "target": exit.Refused}

func (d *doctor) status(checks []report.Check) error {
	for _, c := range checks {
		if c.Level != report.Fail {
			continue
		}
		if code, ok := failCodes[c.Name]; ok {
			return exit.EndWith(code)
		}
		return exit.EndWith(exit.Other)
	}
	return nil
}

func (d *doctor) identity(ctx context.Context) []report.Check {
	if d.fault != nil {
		return nil // region reports it
	}
	if d.Line.Call.Globals.NoSignRequest {
		return []report.Check{{Level: report.Warn, Name: "identity", Text: "--no-sign-request: AWS will not know who asks"}}
	}
	keys, err := d.conf.Credentials.Retrieve(ctx)
	if err != nil {
		return []report.Check{unidentified(err)}
	}
	caller, err := d.evidence.Caller(ctx)
	switch {
	case caller.SessionARN != "":
	case awsiam.KindOf(err) == awsiam.KindUnreachable: // a session needs no STS
		return []report.Check{{Level: report.Warn, Name: "identity", Text: env.OneLine(err), Do: d.reachAdvice(err)}}
	default:
		return []report.Check{{
			Level: report.Fail, Name: "identity", Text: env.OneLine(err),
			Do: cmp.Or(exit.CredentialAdvice(d.Line.Process, err), "check the keys: aws sts get-caller-identity"),
		}}
	}
	c := report.Check{Level: report.OK, Name: "identity", Text: caller.SessionARN}
	if from := awsconf.SourceText(keys); from != "" {
		c.Text += " (from " + from + ")"
	}
	if left := keys.Expires.Sub(d.now()).Round(time.Minute); keys.CanExpire && left < 15*time.Minute {
		c.Level, c.Do = report.Warn, "get new credentials before a long session: these end in "+left.String()
	}
	return []report.Check{c}
}

// unidentified is the check for missing credentials: the cause without the SDK's layers
// around it.
func unidentified(err error) report.Check {
	do := credentialsAdvice(err)
	if conf := (*awsconf.Error)(nil); errors.As(err, &conf) {
		err = conf
	}
	return report.Check{Level: report.Fail, Name: "identity", Text: env.OneLine(err), Do: do}
}

// credentialsAdvice says what to do about missing credentials. The AWS CLI's own
// messages name the command themselves.
func credentialsAdvice(err error) string {
	var conf *awsconf.Error
	if errors.As(err, &conf) && conf.Code == awsconf.CodeConfig {
		return "run \"aws configure\", \"aws login\" or \"aws sso login\", or name a profile with --profile"
	}
	return "see \"aws configure list\" for where the credentials come from"
}

// tunnels looks at the files of tunnels: whether they can be read, and whether the
// project's is trusted.
func (d *doctor) tunnels(context.Context) []report.Check {
	c, err := trust.LoadConfigHere(d.Line.Process)
	file, missing := c.Project(), len(c.Untrusted())
	switch {
	case err != nil:
		return []report.Check{{Level: report.Warn, Name: "tunnels", Text: env.OneLine(err)}}
	case c.Unused != nil:
		return []report.Check{{Level: report.Warn, Name: "tunnels", Text: c.Warnings()[0]}}
	case missing > 0:
		return []report.Check{{
			Level: report.Warn, Name: "tunnels", Text: fmt.Sprintf("%s: %d of %d parts are not trusted", file, missing, len(c.Effects())),
			Do: "ssmguard trust shows what the file would do, and asks",
		}}
	case file != "":
		return []report.Check{{Level: report.OK, Name: "tunnels", Text: file}}
	}
	return nil
}

// region looks the region's endpoint up if its name is not a known one: a region may be
// newer than what is known here.
func (d *doctor) region(ctx context.Context) []report.Check {
	if d.fault != nil {
		return []report.Check{d.configFault()}
	}
	if do := exit.NoRegion(d.conf.Region); do != "" {
		_, err := reach(ctx, d.conf.SSM.HTTPClient, d.conf.Endpoint)
		if exit.NoSuchRegion(d.conf.Region, err) {
			return []report.Check{{Level: report.Fail, Name: "region", Text: d.conf.Region + ": AWS has no endpoint of this name", Do: do}}
		}
	}
	text := d.conf.Region
	if d.conf.ActiveProfile != "" {
		text += ", profile " + d.conf.ActiveProfile
	}
	return []report.Check{{Level: report.OK, Name: "region", Text: text}}
}

// configFault is the check for a missing configuration: an unknown profile, an unknown
// region, an unreadable file, or a source without credentials.
func (d *doctor) configFault() report.Check {
	c := report.Check{Level: report.Fail, Name: "region", Text: env.OneLine(d.fault), Do: "name a region with --region or AWS_REGION"}
	var conf *awsconf.Error
	switch {
	case errors.As(d.fault, &conf) && conf.Credentials != "":
		return unidentified(conf)
	case d.Line.Process.Asked.NoProfile:
		c.Name, c.Do = "profile", exit.ProfileAdvice(d.Line.Process)
	case !strings.Contains(c.Text, "region"):
		c.Name, c.Do = "config", "correct it; \"aws configure list\" shows where each setting comes from"
	}
	return c
}

// session checks the target's health and the grants for a session on it.
func (d *doctor) session(ctx context.Context) []report.Check {
	if d.fault != nil || d.Line.Call.Input.Target == "" || d.Line.Call.Globals.NoSignRequest {
		return nil
	}
	if failed := d.far.lookUp(ctx, d); failed != nil {
		return failed
	}
	w, err := d.Line.Enter(ctx, d.conf)
	if err != nil {
		text, do, ok := strings.Cut(env.OneLine(err), "; ")
		if !ok {
			do = cmp.Or(exit.CredentialAdvice(d.Line.Process, err), "name one target by its id")
		}
		return []report.Check{{Level: report.Fail, Name: "target", Text: text, Do: do}}
	}
	defer w.Evidence.Close()
	decision, err := d.Line.Ask(ctx, w)
	if err != nil {
		return []report.Check{{Level: report.Warn, Name: "grant", Text: "the guard could not ask: " + env.OneLine(err)}}
	}
	return slices.Concat(health(decision), grants(decision), d.far.network(ctx, d, w.Request.Target))
}

// health returns the checks of the target's state.
func health(d guard.Decision) []report.Check {
	var checks []report.Check
	for _, f := range d.Findings {
		if f.Code >= "SG701" && f.Code <= "SG708" {
			checks = append(checks, report.Check{Level: report.Fail, Name: "target", Text: told(f), Do: remedy(f)})
		}
	}
	if len(checks) > 0 {
		return checks
	}
	h := d.Facts.Health
	c := report.Check{Level: report.OK, Name: "target", Text: d.Request.Target}
	for _, part := range []string{h.State, h.Ping, h.Connection} {
		if part != "" {
			c.Text += ", " + part
		}
	}
	if h.AgentVersion != "" {
		c.Text += ", agent " + h.AgentVersion
	}
	if slices.Contains(d.Facts.Unknown, guard.UnknownHealth) {
		c.Level, c.Text = report.Warn, d.Request.Target+": its health cannot be read in full"
		c.Do = "ask for ec2:DescribeInstances, ssm:DescribeInstanceInformation and ssm:GetConnectionStatus"
	}
	return []report.Check{c}
}

// grants returns one check for each permission.
func grants(d guard.Decision) []report.Check {
	var checks []report.Check
	for _, g := range d.Grants {
		verdict := d.Of(g.ID).Verdict
		c := report.Check{Level: report.OK, Name: "grant", Text: g.Action + " on " + g.Resource}
		switch {
		case verdict == policy.Allow:
		case verdict.Denies() && !g.Advisory:
			c.Level = report.Fail
		default:
			c.Level = report.Warn
		}
		if c.Level != report.OK {
			i := slices.IndexFunc(d.Findings, func(f guard.Finding) bool { return f.Grant == g.ID })
			if i >= 0 {
				c.Text, c.Do = told(d.Findings[i])+": "+c.Text, "ssmguard check --target "+safetext.Word(d.Request.Target)
			} else {
				c.Text += " cannot be told"
			}
		}
		checks = append(checks, c)
	}
	return checks
}

func told(f guard.Finding) string { return fmt.Sprintf("%s [%s]", f.Summary, f.Code) }

func remedy(f guard.Finding) string {
	if f.Fix == nil || f.Fix.Text == "" {
		return fmt.Sprintf("ssmguard explain %s", f.Code)
	}
	return f.Fix.Text
}
