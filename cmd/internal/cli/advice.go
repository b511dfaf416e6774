package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/configs"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
)

// advice says what to do about an error whose own words, which are AWS's, do not,
// "" where there is nothing to add.
func (p *process) advice(err error) string {
	switch advice := credentialAdvice(err); {
	case advice != "":
		return advice
	case as[*awsconf.Error](err) && !p.profileExists:
		return p.profileAdvice()
	case as[*proxy.Unreachable](err), awsiam.KindOf(err) == awsiam.KindUnreachable:
		return p.networkAdvice()
	}
	return ""
}

// networkAdvice says what to do where AWS cannot be reached.
func (p *process) networkAdvice() string {
	if p.region == "" || slices.Contains(regions(), p.region) {
		return "check the network and the endpoint, or see \"ssmguard doctor\""
	}
	if near := configs.Nearest(p.region, regions()); near != "" {
		return fmt.Sprintf("no region is known as %s; did you mean %s?", p.region, near)
	}
	return fmt.Sprintf("no region is known as %s; check its name, or the network", p.region)
}

// profileAdvice says which profile may have been meant by one that is not there.
func (p *process) profileAdvice() string {
	const most = 8
	names := awsconf.Profiles(p.lookup)
	switch near := configs.Nearest(p.profile, names); {
	case near != "":
		return fmt.Sprintf("did you mean the profile %q?", near)
	case len(names) == 0:
		return "no profile is configured; \"aws configure\" makes one"
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return "known profiles: " + strings.Join(names, ", ")
}

// credentialAdvice says what to do about an error of credentials that AWS refused,
// "" about others.
func credentialAdvice(err error) string {
	var refused *proxy.Refused
	var unanswered *awsiam.Error
	switch {
	case errors.As(err, &refused):
		return awsiam.CredentialAdvice(refused.Code)
	case errors.As(err, &unanswered):
		return awsiam.CredentialAdvice(unanswered.Code)
	}
	return ""
}
