package exit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
	case As[*proxy.Unreachable](err), awsiam.KindOf(err) == awsiam.KindUnreachable:
		return networkAdvice(p)
	}
	return ""
}

// networkAdvice says what to do when AWS cannot be reached.
func networkAdvice(p *env.Process) string {
	if p.Asked.Region == "" || slices.Contains(guard.PublicRegions(), p.Asked.Region) {
		return "check the network and the endpoint, or see \"ssmguard doctor\""
	}
	if near := spelling.Nearest(p.Asked.Region, guard.PublicRegions()); near != "" {
		return fmt.Sprintf("there is no region %s; did you mean %s?", p.Asked.Region, near)
	}
	return fmt.Sprintf("there is no region %s; check its name, or the network", p.Asked.Region)
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
	return "known profiles: " + strings.Join(names, ", ")
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
		advice += " with " + command
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
