package awsiam

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// origin says what the way a caller got their credentials leaves open.
type origin struct {
	sessionPolicy bool // a session policy may bound them; no API reads it back
	sessionTags   bool // aws:PrincipalTag may hold more than IAM's tags, or other values
}

// unknownOrigin is a role session that somebody else made: AssumeRole, SAML,
// Identity Center, EKS Pod Identity and OIDC all take session policies and tags.
var unknownOrigin = origin{sessionPolicy: true, sessionTags: true}

// origins is read from the top; the first rule that fits counts. The SDK names
// the provider, so a fact such as "EC2 made these" does not rest on a session
// name that anybody may choose.
var origins = []struct {
	why  string
	fits func(identity, principal) bool
	is   origin
}{
	{"GetSessionToken takes neither, and long-term keys have no session",
		func(_ identity, p principal) bool { return p.kind == guard.User }, origin{}},
	{"root's keys have no session; AssumeRoot always takes a task policy",
		func(id identity, p principal) bool { return p.kind == guard.Root && !id.Temporary }, origin{}},
	{"AssumeRoot takes a task policy and no tags",
		func(_ identity, p principal) bool { return p.kind == guard.Root }, origin{sessionPolicy: true}},
	{"EC2 passes an instance profile's role on as it is, and names the session after the instance; programs that hand out other credentials in EC2's manner name theirs as they like",
		func(id identity, p principal) bool {
			return id.Source == ec2rolecreds.ProviderName && hasID(p.session, "i-")
		}, origin{}},
	{"ECS passes a task role on as it is, and names the session after the task; the same provider serves EKS, whose session names differ",
		func(id identity, p principal) bool {
			return id.Source == endpointcreds.ProviderName && hexDigits(p.session, 32)
		}, origin{}},
	{"we assumed the role ourselves from a profile, which can set no policy; tags may pass down a chain",
		func(id identity, _ principal) bool { return id.Source == stscreds.ProviderName }, origin{sessionTags: true}},
	{"we exchanged the token ourselves, without a policy; tags may be in the token",
		func(id identity, _ principal) bool { return id.Source == stscreds.WebIdentityProviderName }, origin{sessionTags: true}},
}

// originOf returns what is open about the caller's session.
func originOf(id identity) origin {
	p := principalOf(id)
	for _, o := range origins {
		if o.fits(id, p) {
			return o.is
		}
	}
	return unknownOrigin
}

// sessionLayers names the layers of the session itself that nobody can read:
// its session policy and the policy of the VPC endpoint it goes through.
func (c policyReader) sessionLayers(ctx context.Context, id identity) (evidence, error) {
	var e evidence
	if originOf(id).sessionPolicy {
		e.Partial = append(e.Partial, policy.Session)
	}
	if c.throughVPCEndpoint(ctx) {
		e.Partial = append(e.Partial, policy.Endpoint)
	}
	return e, nil
}

// lookupPatience bounds the name lookup of the endpoint. The first call to
// Systems Manager makes the same one.
const lookupPatience = 300 * time.Millisecond

// throughVPCEndpoint reports whether calls to Systems Manager may pass a VPC
// endpoint and its policy: when the endpoint's own name says so, or when its
// name leads to private addresses only, as an interface endpoint's private DNS
// does. Loopback is a stand-in for AWS, not an endpoint of a VPC. A name that
// cannot be looked up counts as public, the default.
func (c policyReader) throughVPCEndpoint(ctx context.Context) bool {
	endpoint, err := c.apis["ssm"].Endpoint(ctx)
	if err != nil {
		return false
	}
	host := endpoint.Hostname()
	if strings.Contains(host, ".vpce.") {
		return true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return privateAddr(a)
	}
	if c.options.LookupHost == nil || host == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	addrs, err := c.options.LookupHost(ctx, host)
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if !privateAddr(a) {
			return false
		}
	}
	return len(addrs) > 0
}

// sharedSpace may be a part of a VPC like the private ranges, and is never AWS's own.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func privateAddr(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || sharedSpace.Contains(a)
}
