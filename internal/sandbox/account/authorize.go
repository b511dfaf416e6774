package account

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

// object is what an action is done to.
type object struct {
	arn   string            // "*" for actions without resources
	shown string            // the resource as the denial names it; the ARN when empty
	keys  map[string]string // condition keys of the resource
}

var anything = object{arn: "*"}

// tagged is a resource with tags, under the key prefixes the service uses.
func tagged(arn string, tags map[string]string, prefixes ...string) object {
	o := object{arn: arn, keys: make(map[string]string)}
	for k, v := range tags {
		for _, p := range append([]string{"aws:ResourceTag/"}, prefixes...) {
			o.keys[p+k] = v
		}
	}
	return o
}

const ssmTags = "ssm:resourceTag/"

// authorize asks every layer of the caller; a refusal is the service's AccessDenied.
func (c *call) authorize(action string, on object) error {
	if f := c.judge(action, on); f != nil {
		return f
	}
	return nil
}

func (c *call) judge(action string, on object) *fault {
	b := c.bearing(c.who)
	ctx := c.context(on)
	a := b.set(c.notApplicable(action)...).Evaluate(action, on.arn, ctx)
	if a.Verdict == policy.Allow {
		return nil
	}
	return c.denied(action, on, c.reason(b, a, action, on, ctx))
}

// rcpServices are those here to which RCPs apply.
var rcpServices = []string{"kms", "sts"}

func (c *call) notApplicable(action string) []layer {
	service, _, _ := strings.Cut(action, ":")
	if slices.Contains(rcpServices, service) {
		return nil
	}
	return []layer{layerRCP}
}

// reason is why a request was denied, in the words of a denial message.
type reason struct {
	explicit bool
	layer    string
	arn      string // policy of an explicit deny; "" for an inline one
}

// reason names one layer that denies, as AWS does when several do: for an
// explicit deny the first in the order of layers, else the first without an Allow.
func (c *call) reason(b *bearing, a policy.Answer, action string, on object, ctx policy.Context) reason {
	if a.Verdict == policy.ExplicitDeny {
		var by []source
		for _, at := range a.By {
			if src, ok := b.source(at); ok {
				by = append(by, src)
			}
		}
		if len(by) > 0 {
			first := slices.MinFunc(by, func(x, y source) int { return int(x.layer) - int(y.layer) })
			return reason{true, first.layer.String(), first.arn}
		}
	}
	for l := layerSCP; l <= layerSession; l++ {
		if !b.allows(l, action, on.arn, ctx) {
			return reason{layer: l.String()}
		}
	}
	return reason{layer: layerIdentity.String()}
}

// allows reports whether a layer, if there is one, has an Allow for the request at every level.
func (b *bearing) allows(l layer, action, resource string, ctx policy.Context) bool {
	levels := 1
	switch l {
	case layerRCP:
		return true // RCPFullAWSAccess cannot be detached
	case layerSCP:
		levels = b.levels
	case layerEndpoint:
		levels = presence(b.gated)
	case layerBoundary:
		levels = presence(b.bounded)
	case layerSession:
		levels = presence(b.session)
	case layerIdentity:
		levels = presence(!b.root)
	}
	for level := range levels {
		if l != layerSCP {
			level = -1
		}
		set := policy.Set{Identity: b.statements(l, level)}
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

// denied words a denial as the service of the call does.
func (c *call) denied(action string, on object, why reason) *fault {
	text := c.denial(action, on, why)
	switch {
	case c.service == "ec2":
		f := &fault{Code: "UnauthorizedOperation", Status: http.StatusForbidden, Message: "You are not authorized to perform this operation. " + text}
		if c.world.Denials.Encoded {
			f.Message = "You are not authorized to perform this operation. Encoded authorization failure message: " + c.seal(action, on, why)
		}
		return f
	case jsonServices[c.service]:
		return refuse("AccessDeniedException", "%s", text)
	}
	return &fault{Code: "AccessDenied", Message: text, Status: http.StatusForbidden}
}

// denial is the message of IAM's page "Troubleshoot access denied error messages".
func (c *call) denial(action string, on object, why reason) string {
	sep, style := " ", c.world.Denials
	if style.Newlines {
		sep = "\n"
	}
	parts := []string{"User: " + c.who.ARN + " is not authorized to perform: " + action}
	if on.arn != "*" {
		parts = append(parts, "on resource: "+orElse(on.shown, on.arn))
	}
	switch {
	case style.Plain:
	case why.explicit:
		article := "a "
		if why.layer == layerIdentity.String() {
			article = "an "
		}
		text := "with an explicit deny in " + article + why.layer
		if style.PolicyARN && why.arn != "" && why.layer != layerEndpoint.String() {
			text += ": " + why.arn
		}
		parts = append(parts, text)
	default:
		parts = append(parts, "because no "+why.layer+" allows the "+action+" action")
	}
	return strings.Join(parts, sep)
}

// context is the request context of a call on a resource. Keys that are not in
// it are absent, as they would be from a real request.
func (c *call) context(on object) policy.Context {
	keys := c.identityKeys()
	now := c.now().UTC()
	maps.Copy(keys, map[string]string{
		"aws:CurrentTime": now.Format(time.RFC3339), "aws:EpochTime": strconv.FormatInt(now.Unix(), 10),
		"aws:RequestedRegion": c.region, "aws:SecureTransport": "true", "aws:UserAgent": c.request.UserAgent(),
		"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false",
	})
	if host, _, err := net.SplitHostPort(c.request.RemoteAddr); err == nil {
		keys["aws:SourceIp"] = host
	}
	if f := strings.Split(on.arn, ":"); len(f) > 5 && f[4] != "" {
		keys["aws:ResourceAccount"] = f[4]
	}
	maps.Copy(keys, on.keys)
	maps.Copy(keys, c.world.Context)
	var ctx policy.Context
	for k, v := range keys {
		ctx.Set(k, v)
	}
	if o := c.world.Organization; o != nil {
		ctx.SetMulti("aws:PrincipalOrgPaths", orgPath(o))
	}
	return ctx
}

// identityKeys are the keys that describe the caller.
func (c *call) identityKeys() map[string]string {
	w := c.who
	keys := map[string]string{
		"aws:PrincipalArn": w.principal, "aws:PrincipalAccount": c.world.Account,
		"aws:PrincipalType": w.kind, "aws:userid": w.userID,
	}
	if name := w.username(); name != "" {
		keys["aws:username"] = name
	}
	for k, v := range w.tags {
		keys["aws:PrincipalTag/"+k] = v
	}
	if o := c.world.Organization; o != nil {
		keys["aws:PrincipalOrgID"] = o.ID
	}
	if w.provider != "" {
		keys["aws:FederatedProvider"] = w.provider
	}
	if w.temporary {
		keys["aws:TokenIssueTime"] = w.issued.UTC().Format(time.RFC3339)
		keys["aws:MultiFactorAuthPresent"] = strconv.FormatBool(w.mfa)
	}
	if w.temporary && w.mfa {
		keys["aws:MultiFactorAuthAge"] = strconv.Itoa(int(c.now().Sub(w.issued).Seconds()))
	}
	return keys
}

// orgPath is the value of aws:PrincipalOrgPaths.
func orgPath(o *world.Organization) string {
	ids := []string{o.ID}
	for i, l := range o.Levels {
		if i < len(o.Levels)-1 || strings.HasPrefix(l.ID, "ou-") {
			ids = append(ids, l.ID)
		}
	}
	return strings.Join(ids, "/") + "/"
}
