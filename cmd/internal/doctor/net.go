package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/proxy/plugin"
)

const (
	// clockSlack is a clock difference that is not reported.
	clockSlack = 30 * time.Second
	// reachTime is the time limit for one endpoint.
	reachTime = 8 * time.Second
)

// endpoints checks whether AWS can be reached, and compares the clock with the Date of
// the answer.
func (d *doctor) endpoints(ctx context.Context) []report.Check {
	if d.fault != nil {
		return nil
	}
	var checks []report.Check
	at, err := reach(ctx, d.conf.SSM.HTTPClient, d.conf.Endpoint)
	if err != nil {
		checks = append(checks, report.Check{Level: report.Fail, Name: "endpoint", Text: d.conf.Endpoint + ": " + env.OneLine(err), Do: d.reachAdvice(err)})
	} else {
		checks = append(checks, report.Check{Level: report.OK, Name: "endpoint", Text: d.conf.Endpoint})
		checks = append(checks, clock(at, d.now()))
	}
	if messages := cmp.Or(d.conf.MessagesEndpoint, messagesEndpoint(d.conf.Endpoint)); messages != "" {
		c := report.Check{Level: report.OK, Name: "endpoint", Text: messages}
		if d.conf.MessagesEndpoint != "" {
			c.Text += " (configured for data channels)"
		}
		if err := d.reachMessages(ctx, messages); err != nil {
			c = report.Check{Level: report.Fail, Name: "endpoint", Text: messages + ": " + env.OneLine(err), Do: "sessions run through it: " + d.reachAdvice(err)}
		}
		checks = append(checks, c)
	}
	return checks
}

// reachMessages reaches the endpoint of data channels as they do, with --no-verify-ssl too.
func (d *doctor) reachMessages(ctx context.Context, endpoint string) error {
	proxy, trusted, err := d.conf.Dialing()
	if err != nil {
		return err
	}
	transport := &http.Transport{Proxy: proxy, TLSClientConfig: trusted}
	defer transport.CloseIdleConnections()
	_, err = reach(ctx, &http.Client{Transport: transport}, endpoint)
	return err
}

// reach sends a request to an endpoint by a client that has the configured proxy and
// certificates. Any answer will do. The result is its Date header, zero without one.
func reach(ctx context.Context, client aws.HTTPClient, endpoint string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil
	}
	return at, nil
}

// messagesEndpoint is the endpoint of a region's data channels, "" if the given
// endpoint is not AWS's own.
func messagesEndpoint(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	name, rest, ok := strings.Cut(u.Hostname(), ".")
	own := strings.Contains(rest, "amazonaws.") || strings.HasSuffix(rest, ".api.aws")
	if !ok || !own || name != "ssm" && name != "ssm-fips" {
		return ""
	}
	return "https://" + strings.Replace(name, "ssm", "ssmmessages", 1) + "." + rest
}

func (d *doctor) reachAdvice(err error) string {
	if exit.NoSuchRegion(d.conf.Region, err) {
		return "correct the region"
	}
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) {
		return "a proxy that opens TLS needs its certificate in AWS_CA_BUNDLE or --ca-bundle"
	}
	return "check the network, HTTPS_PROXY and NO_PROXY, and the endpoint's name"
}

// clock compares our clock with AWS's. None keeps a session from starting: see awsapi.Clock.
func clock(theirs, ours time.Time) report.Check {
	c := report.Check{Level: report.OK, Name: "clock"}
	if theirs.IsZero() {
		c.Level, c.Text = report.Warn, "the endpoint did not tell the time"
		return c
	}
	off := ours.Sub(theirs).Round(time.Second)
	c.Text = fmt.Sprintf("%s from AWS's", off.Abs())
	if off.Abs() > clockSlack {
		c.Level, c.Do = report.Warn, "set the clock: AWS refuses signatures that are off by more than 5 minutes; ours have its time, other programs' may not"
	}
	return c
}

// proxies lists the proxies and certificate bundles on the way to AWS.
func (d *doctor) proxies(context.Context) []report.Check {
	c := report.Check{Level: report.OK, Name: "proxy", Text: "none"}
	var found []string
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		for _, n := range []string{strings.ToLower(name), name} {
			if v, ok := d.Line.Process.Lookup(n); ok && v != "" {
				found = append(found, n+"="+withoutPassword(v))
				break
			}
		}
	}
	if len(found) > 0 {
		c.Text = strings.Join(found, ", ")
	}
	checks := []report.Check{c}
	if d.fault != nil {
		return checks
	}
	if _, file := d.conf.Connecting(); file != "" {
		checks = append(checks, d.certificates(file))
	}
	return checks
}

// certificates looks at the file of the certificates that calls and data channels trust.
func (d *doctor) certificates(file string) report.Check {
	source := "the profile's ca_bundle"
	switch {
	case d.Line.Call.Globals.CABundle == file:
		source = "--ca-bundle"
	case d.Line.Process.Getenv("AWS_CA_BUNDLE") == file:
		source = "AWS_CA_BUNDLE"
	case d.Line.Process.Getenv("REQUESTS_CA_BUNDLE") == file:
		source = "REQUESTS_CA_BUNDLE"
	}
	if _, _, err := d.conf.Dialing(); err != nil {
		return report.Check{Level: report.Fail, Name: "ca", Text: source + "=" + file + ": " + env.OneLine(err), Do: "correct it or leave it out"}
	}
	return report.Check{Level: report.OK, Name: "ca", Text: source + "=" + file + ", for calls and data channels"}
}

// withoutPassword is a proxy's URL without its password. The URL is not parsed, because
// a faulty URL, or one without a scheme, may have a password, too.
func withoutPassword(s string) string {
	scheme, rest := "", s
	if front, back, ok := strings.Cut(s, "://"); ok {
		scheme, rest = front+"://", back
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return s
	}
	user, _, secret := strings.Cut(rest[:at], ":")
	if !secret {
		return s
	}
	return scheme + user + ":xxxxx" + rest[at:]
}

// plugins reports the plugin that is built in, and the one in PATH.
func (d *doctor) plugins(ctx context.Context) []report.Check {
	var checks []report.Check
	if _, err := plugin.Embedded(d.Line.Process.Environ); err != nil {
		checks = append(checks, report.Check{Level: report.Fail, Name: "plugin", Text: "embedded: " + env.OneLine(err)})
	} else {
		checks = append(checks, report.Check{Level: report.OK, Name: "plugin", Text: plugin.BuiltIn()})
	}
	name, wanted := plugin.Name, false
	if p := d.Line.Own.Plugin; p != ask.OwnPlugin && p != ask.EmbeddedPlugin && p != ask.AutoPlugin {
		name, wanted = p, true
	}
	other, err := plugin.External(ctx, name, d.Line.Process.Environ, io.Discard)
	var old *plugin.TooOldError
	switch {
	case err == nil:
		c := report.Check{Level: report.OK, Name: "plugin", Text: fmt.Sprintf("%s %s, %s", other.Path(), other.Version(), other.Standing())}
		if other.Outdated() {
			c.Level, c.Do = report.Warn, "update it, or use --plugin embedded; \"ssmguard aws\" and the AWS CLI run it"
		}
		checks = append(checks, c)
	case errors.Is(err, plugin.ErrNotFound) && !wanted:
		checks = append(checks, report.Check{Level: report.OK, Name: "plugin", Text: "none in PATH, and none is needed"})
	case errors.As(err, &old) && !wanted:
		checks = append(checks, report.Check{Level: report.Warn, Name: "plugin", Text: env.OneLine(err), Do: "remove or update it; the one built in is used instead"})
	case wanted:
		checks = append(checks, report.Check{Level: report.Fail, Name: "plugin", Text: env.OneLine(err), Do: "use --plugin embedded"})
	default:
		checks = append(checks, report.Check{Level: report.Warn, Name: "plugin", Text: env.OneLine(err), Do: "repair or remove it; \"ssmguard aws\" would run it"})
	}
	return checks
}

// aliases warns of entries in the AWS CLI's alias file.
func (d *doctor) aliases(context.Context) []report.Check {
	var checks []report.Check
	for _, entry := range awsconf.SwallowingAliases(d.Line.Process.Lookup) {
		checks = append(checks, report.Check{
			Level: report.Warn, Name: "alias",
			Text: "~/.aws/cli/alias: " + entry + " never sees --profile and --region: sessions start with the wrong ones",
			Do:   "remove the entry; \"ssmguard alias\" has a shell function that keeps them",
		})
	}
	return checks
}
