package api

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// Object is the resource of an action.
type Object struct {
	ARN   string            // "*" for actions without resources
	Shown string            // the resource as the denial names it; the ARN when empty
	Keys  map[string]string // condition keys of the resource
}

// Anything is the resource of actions without resource-level permissions.
var Anything = Object{ARN: "*"}

// Tagged is a resource with tags, under the key prefixes the service uses.
func Tagged(arn string, tags map[string]string, prefixes ...string) Object {
	o := Object{ARN: arn, Keys: make(map[string]string)}
	for k, v := range tags {
		for _, p := range append([]string{"aws:ResourceTag/"}, prefixes...) {
			o.Keys[p+k] = v
		}
	}
	return o
}

// SSMTags begins the condition keys of a resource's tags in Systems Manager.
const SSMTags = "ssm:resourceTag/"

// Authorize evaluates every policy layer of the caller; a refusal is the service's
// AccessDenied.
func (c *Request) Authorize(action string, on Object) error {
	if f := c.Judge(action, on); f != nil {
		return f
	}
	return nil
}

// Judge returns the refusal of an action on an object by the caller's policies, nil if
// they allow it.
func (c *Request) Judge(action string, on Object) *Refusal {
	b := c.Bearing(c.Who)
	ctx := c.context(on)
	a := b.Set(c.notApplicable(action)...).Evaluate(action, on.ARN, ctx)
	if a.Verdict == policy.Allow {
		return nil
	}
	return c.Denied(action, on, c.reason(b, a, action, on, ctx))
}

// rcpServices are the services to which RCPs apply.
var rcpServices = []string{"kms", "sts"}

func (c *Request) notApplicable(action string) []Layer {
	service, _, _ := strings.Cut(action, ":")
	if slices.Contains(rcpServices, service) {
		return nil
	}
	return []Layer{LayerRCP}
}

// Reason is the reason of a denial, in the words of a denial message.
type Reason struct {
	explicit bool
	Layer    string
	arn      string // policy of an explicit deny; "" for an inline one
}

// reason names one layer that denies, as AWS does when several do: for an explicit deny
// the first in the order of layers, otherwise the first without an Allow.
func (c *Request) reason(b *Bearing, a policy.Answer, action string, on Object, ctx policy.Context) Reason {
	if a.Verdict == policy.ExplicitDeny {
		var by []Source
		for _, at := range a.By {
			if src, ok := b.Source(at); ok {
				by = append(by, src)
			}
		}
		if len(by) > 0 {
			first := slices.MinFunc(by, func(x, y Source) int { return int(x.Layer) - int(y.Layer) })
			return Reason{true, first.Layer.String(), first.ARN}
		}
	}
	for l := LayerSCP; l <= LayerSession; l++ {
		if !b.Allows(l, action, on.ARN, ctx) {
			return Reason{Layer: l.String()}
		}
	}
	return Reason{Layer: LayerIdentity.String()}
}

// Allows reports whether a layer, if there is one, has an Allow for the request at every level.
func (b *Bearing) Allows(l Layer, action, resource string, ctx policy.Context) bool {
	levels := 1
	switch l {
	case LayerRCP:
		return true // RCPFullAWSAccess cannot be detached
	case LayerSCP:
		levels = b.Levels
	case LayerEndpoint:
		levels = presence(b.gated)
	case LayerBoundary:
		levels = presence(b.Bounded)
	case LayerSession:
		levels = presence(b.session)
	case LayerIdentity:
		levels = presence(!b.root)
	}
	for level := range levels {
		if l != LayerSCP {
			level = -1
		}
		set := policy.Set{Identity: b.Statements(l, level)}
		if set.Evaluate(action, resource, ctx).Verdict != policy.Allow {
			return false
		}
	}
	return true
}

func presence(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Denied returns a denial in the words of the call's service.
func (c *Request) Denied(action string, on Object, why Reason) *Refusal {
	text := c.denial(action, on, why)
	switch {
	case c.Service == "ec2":
		f := &Refusal{Code: "UnauthorizedOperation", Status: http.StatusForbidden, Message: "You are not authorized to perform this operation. " + text}
		if c.World.Denials.Encoded {
			f.Message = "You are not authorized to perform this operation. Encoded authorization failure message: " + c.seal(action, on, why)
		}
		return f
	case JSONServices[c.Service]:
		return Refuse("AccessDeniedException", "%s", text)
	}
	return &Refusal{Code: "AccessDenied", Message: text, Status: http.StatusForbidden}
}

// denial is the message of IAM's page "Troubleshoot access denied error messages".
func (c *Request) denial(action string, on Object, why Reason) string {
	sep, style := " ", c.World.Denials
	if style.Newlines {
		sep = "\n"
	}
	parts := []string{"User: " + c.Who.ARN + " is not authorized to perform: " + action}
	if on.ARN != "*" {
		parts = append(parts, "on resource: "+OrElse(on.Shown, on.ARN))
	}
	switch {
	case style.Plain:
	case why.explicit:
		article := "a "
		if why.Layer == LayerIdentity.String() {
			article = "an "
		}
		text := "with an explicit deny in " + article + why.Layer
		if style.PolicyARN && why.arn != "" && why.Layer != LayerEndpoint.String() {
			text += ": " + why.arn
		}
		parts = append(parts, text)
	default:
		parts = append(parts, "because no "+why.Layer+" allows the "+action+" action")
	}
	return strings.Join(parts, sep)
}

// context is the request context of a call on a resource. Keys that are not in
// it are absent, as they would be from a real request.
func (c *Request) context(on Object) policy.Context {
	keys := c.identityKeys()
	now := c.Now().UTC()
	maps.Copy(keys, map[string]string{
		"aws:CurrentTime": now.Format(time.RFC3339), "aws:EpochTime": strconv.FormatInt(now.Unix(), 10),
		"aws:RequestedRegion": c.Region, "aws:SecureTransport": "true", "aws:UserAgent": c.Request.UserAgent(),
		"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false",
	})
	if host, _, err := net.SplitHostPort(c.Request.RemoteAddr); err == nil {
		keys["aws:SourceIp"] = host
	}
	if f := strings.Split(on.ARN, ":"); len(f) > 5 && f[4] != "" {
		keys["aws:ResourceAccount"] = f[4]
	}
	maps.Copy(keys, on.Keys)
	maps.Copy(keys, c.World.Context)
	var ctx policy.Context
	for k, v := range keys {
		ctx.Set(k, v)
	}
	if o := c.World.Organization; o != nil {
		ctx.SetMulti("aws:PrincipalOrgPaths", OrgPath(o))
	}
	return ctx
}

// identityKeys are the keys that describe the caller.
func (c *Request) identityKeys() map[string]string {
	w := c.Who
	keys := map[string]string{
		"aws:PrincipalArn": w.Principal, "aws:PrincipalAccount": c.World.Account,
		"aws:PrincipalType": w.Kind, "aws:userid": w.UserID,
	}
	if name := w.Username(); name != "" {
		keys["aws:username"] = name
	}
	for k, v := range w.tags {
		keys["aws:PrincipalTag/"+k] = v
	}
	if o := c.World.Organization; o != nil {
		keys["aws:PrincipalOrgID"] = o.ID
	}
	if w.Provider != "" {
		keys["aws:FederatedProvider"] = w.Provider
	}
	if w.Temporary {
		keys["aws:TokenIssueTime"] = w.issued.UTC().Format(time.RFC3339)
		keys["aws:MultiFactorAuthPresent"] = strconv.FormatBool(w.MFA)
	}
	if w.Temporary && w.MFA {
		keys["aws:MultiFactorAuthAge"] = strconv.Itoa(int(c.Now().Sub(w.issued).Seconds()))
	}
	return keys
}

// OrgPath is the value of aws:PrincipalOrgPaths.
func OrgPath(o *world.Organization) string {
	ids := []string{o.ID}
	for i, l := range o.Levels {
		if i < len(o.Levels)-1 || strings.HasPrefix(l.ID, "ou-") {
			ids = append(ids, l.ID)
		}
	}
	return strings.Join(ids, "/") + "/"
}
