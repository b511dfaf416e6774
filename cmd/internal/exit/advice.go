package exit

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
	"ssmguard/proxy"
)

// Advice says what to do about an error whose text, which is AWS's, does not say it; ""
// where there is nothing to add.
func Advice(p *env.Process, err error) string {
	switch advice := CredentialAdvice(p, err); {
	case advice != "":
		return advice
	case As[*awsconf.Error](err) && p.Asked.NoProfile:
		return ProfileAdvice(p)
	case As[*awscli.UsageError](err) && p.Asked.NoOtherAWS:
		return "there is no other aws in PATH to hand this to; ssmguard itself has \"ssm start-session\" and \"ecs execute-command\""
	case quotesAdvice(err) != "":
		return quotesAdvice(err)
	case As[*proxy.Unreachable](err), awsiam.KindOf(err) == awsiam.KindUnreachable:
		return networkAdvice(p)
	}
	return ""
}

// quotesAdvice says how to write a value whose double quotes the shell has taken away.
func quotesAdvice(err error) string {
	if words := awscli.WithoutQuotes(err); words != "" {
		return "the shell has taken the double quotes away; this needs none: " + words
	}
	return ""
}

// networkAdvice says what to do when AWS cannot be reached.
func networkAdvice(p *env.Process) string {
	if text := NoRegion(p.Asked.Region); text != "" {
		return text
	}
	return "check the network and the endpoint, or see \"ssmguard doctor\""
}

// NoRegion says that there is no region of a name, and which may be meant; "" for a region
// that there is, and for those of partitions whose regions are not public.
func NoRegion(region string) string {
	known := guard.PublicRegions()
	if region == "" || slices.Contains(known, region) || !guard.IsPublic(guard.PartitionOf(region)) {
		return ""
	}
	if near := spelling.Nearest(region, known); near != "" {
		return fmt.Sprintf("there is no region %s; did you mean %s?", region, near)
	}
	return fmt.Sprintf("there is no region %s that is known here; check its name, or the network", region)
}

// NoSuchRegion reports whether a call failed because no host has the name of a region's
// endpoint, and a known region has nearly the name. It is asked after a call alone: a region
// may be newer than what is known here.
func NoSuchRegion(region string, err error) bool {
	var lookup *net.DNSError
	if !errors.As(err, &lookup) || !lookup.IsNotFound || !strings.Contains(lookup.Name, region) || NoRegion(region) == "" {
		return false
	}
	return spelling.Nearest(region, guard.PublicRegions()) != ""
}

// ProfileAdvice suggests a profile in place of one that does not exist.
func ProfileAdvice(p *env.Process) string {
	const most = 8
	names := p.AWSFiles().Profiles()
	switch near := spelling.Nearest(p.Asked.Profile, names); {
	case near != "":
		return fmt.Sprintf("did you mean the profile %q?", near)
	case len(names) == 0:
		return "no profile is configured; \"aws configure\" makes one"
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return "valid profiles: " + strings.Join(names, ", ")
}

// CredentialAdvice says what to do about credentials that AWS refused; "" for other
// errors. For those that have expired it names the command that signs in again.
func CredentialAdvice(p *env.Process, err error) string {
	var refused *proxy.Refused
	var unanswered *awsiam.Error
	code := ""
	switch {
	case errors.As(err, &refused):
		code = refused.Code
	case errors.As(err, &unanswered):
		code = unanswered.Code
	}
	advice := awsiam.CredentialAdvice(code)
	if advice != awsiam.ExpiredAdvice {
		return advice
	}
	if command := SignIn(p); command != "" {
		advice += ` with "` + command + `"`
	}
	return advice
}

// SignIn is the command that renews the login behind the profile in force, such as "aws sso login
// --profile dev"; "" where the credentials come from no login.
func SignIn(p *env.Process) string {
	var given *string
	if name := p.Asked.Profile; name != "" && name != p.Getenv("AWS_PROFILE") {
		given = &name
	}
	command, profile := p.AWSFiles().SignIn(given)
	if command != "" && profile != "default" {
		command += " --profile " + safetext.Word(profile)
	}
	return command
}
