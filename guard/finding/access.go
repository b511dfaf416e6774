package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// askFirst tells a caller who may ask for just-in-time access to do so: a grant of
// ssm:StartSession would go before it. Token is whether the credentials may be got.
func (q inquiry) askFirst(f guard.Finding, token bool) guard.Finding {
	r := q.d.Request
	f.Code, f.Action, f.Nearest = "SG220", guard.ActionAccessRequest, nil
	f.Summary = r.Caller.Name() + " has to ask for access to this target before a session"
	f.Detail = "ssm:StartAccessRequest is granted, and ssm:StartSession is not: this is just-in-time node access; do not add ssm:StartSession, which goes before it"
	if strings.Contains(guard.DocumentName(r), "PortForwarding") {
		add(&f, "AWS's policy for the credentials allows AWS-StartPortForwardingSession to Fleet Manager alone, not to a command line")
	}
	f.Fix = &guard.Fix{Text: askText(r), Grants: []string{q.grant.ID}}
	if token {
		return f
	}
	for _, g := range guard.AccessNeeds(r, q.d.Facts) {
		if g.ID == guard.GrantAccessToken {
			add(&f, "to get the credentials takes ssm:GetAccessToken, which is missing")
			f.Fix.Text = "add " + guard.Permissions([]guard.Grant{g})[0].String() + " to " + r.Caller.Home() + ", then " + f.Fix.Text
		}
	}
	return f
}

// askText are the commands from the request for access to the session.
func askText(r guard.Request) string {
	target, region := safetext.Word(r.Target), ""
	if r.Region != "" {
		region = " --region " + safetext.Word(r.Region)
	}
	start := "ssmguard start-session --target " + target + region
	if r.Document != "" {
		start += " --document-name " + safetext.Word(r.Document)
	}
	return "ask: aws ssm start-access-request --targets Key=InstanceIds,Values=" + target + " --reason REASON" + region +
		"; once it is approved: aws ssm get-access-token --access-request-id ID" + region +
		"; with its Credentials in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: " + start
}

// ofToken is a denial by AWS's own policy for the credentials of ssm:GetAccessToken. The
// policy alone does not tell whether the caller has such credentials.
func (q inquiry) ofToken(f guard.Finding) guard.Finding {
	f.Code = "SG222"
	instead := "ask for access to this target"
	if q.about == aboutDocument {
		instead = "use the default document, or for remote desktop the console of Fleet Manager"
	}
	add(&f, "with credentials of ssm:GetAccessToken nothing is to be added, for the policy is AWS's own for approved requests: "+instead)
	return f
}

// accessActions are those of just-in-time access, in the order in which they are called.
var accessActions = []string{guard.ActionAccessRequest, guard.ActionAccessToken}

// ofAccess reports whether AWS refused a step of just-in-time access for lack of a grant.
func (r Refusal) ofAccess() bool {
	return !r.Explicit && (r.Policy == "" || r.Policy == IdentityPolicy) &&
		slices.ContainsFunc(accessActions, func(a string) bool { return strings.EqualFold(a, r.Action) })
}
