package account

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"ssmguard/internal/sandbox/world"
)

var iamOperations = map[string]handler{
	"GetUser": getUser, "GetRole": getRole, "GetGroup": getGroup,
	"ListGroupsForUser":         listGroupsForUser,
	"ListAttachedUserPolicies":  listAttached("user"),
	"ListAttachedRolePolicies":  listAttached("role"),
	"ListAttachedGroupPolicies": listAttached("group"),
	"ListUserPolicies":          listInline("user"),
	"ListRolePolicies":          listInline("role"),
	"ListGroupPolicies":         listInline("group"),
	"GetUserPolicy":             getInline("user"),
	"GetRolePolicy":             getInline("role"),
	"GetGroupPolicy":            getInline("group"),
	"PutUserPolicy":             putInline("user"),
	"PutRolePolicy":             putInline("role"),
	"PutGroupPolicy":            putInline("group"),
	"DeleteUserPolicy":          deleteInline("user"),
	"DeleteRolePolicy":          deleteInline("role"),
	"DeleteGroupPolicy":         deleteInline("group"),
	"GetPolicy":                 getPolicy, "GetPolicyVersion": getPolicyVersion,
	"ListAccountAliases":               listAccountAliases,
	"SimulatePrincipalPolicy":          simulatePrincipalPolicy,
	"GetContextKeysForPrincipalPolicy": getContextKeys,
}

// opened is when everything in the account was made.
var opened = time.Date(2024, 7, 24, 9, 0, 0, 0, time.UTC).Format(time.RFC3339)

type boundaryXML struct {
	Type string `xml:"PermissionsBoundaryType"`
	ARN  string `xml:"PermissionsBoundaryArn"`
}

type tagXML struct{ Key, Value string }

type principalXML struct {
	Path                string
	UserName            string `xml:",omitempty"`
	RoleName            string `xml:",omitempty"`
	UserID              string `xml:"UserId,omitempty"`
	RoleID              string `xml:"RoleId,omitempty"`
	Arn                 string
	CreateDate          string
	AssumeRolePolicy    string       `xml:"AssumeRolePolicyDocument,omitempty"`
	MaxSessionDuration  int          `xml:",omitempty"`
	PermissionsBoundary *boundaryXML `xml:",omitempty"`
	Tags                []tagXML     `xml:"Tags>member"`
}

type userAnswer struct{ User principalXML }

type roleAnswer struct{ Role principalXML }

// noEntity is IAM's answer for a name it does not know.
func noEntity(format string, args ...any) *fault {
	f := refuse("NoSuchEntity", format, args...)
	f.Status = http.StatusNotFound
	return f
}

// resource is a user, role or group as the operations on its policies see it.
type resource struct {
	arn      string
	attached []string
	inline   []world.Policy
	known    bool
}

// resourceOf finds what a form means by its UserName, RoleName or GroupName.
func (c *call) resourceOf(kind string) (name string, r resource) {
	switch kind {
	case "user":
		name = orElse(c.form.Get("UserName"), c.who.username())
		r.arn = c.iamARN("user/" + name)
		if u := c.user(name); u != nil {
			r = resource{c.userARN(u), u.Attached, u.Inline, true}
		}
	case "role":
		name = c.form.Get("RoleName")
		r.arn = c.iamARN("role/" + name)
		if x := c.role(name); x != nil {
			r = resource{c.roleARN(x), x.Attached, x.Inline, true}
		}
	case "group":
		name = c.form.Get("GroupName")
		r.arn = c.iamARN("group/" + name)
		if g := c.group(name); g != nil {
			r = resource{c.groupARN(g), g.Attached, g.Inline, true}
		}
	}
	return name, r
}

// entity authorizes the call's own action on a principal, which IAM names in a
// denial by kind and name, and finds it.
func (c *call) entity(kind string) (string, resource, error) {
	name, r := c.resourceOf(kind)
	on := object{arn: r.arn, shown: kind + " " + name}
	if u := c.user(name); kind == "user" && u != nil {
		on.keys = tagged("", u.Tags, "iam:ResourceTag/").keys
	}
	if x := c.role(name); kind == "role" && x != nil {
		on.keys = tagged("", x.Tags, "iam:ResourceTag/").keys
	}
	if err := c.authorize("iam:"+c.operation, on); err != nil {
		return name, r, err
	}
	if !r.known {
		return name, r, noEntity("The %s with name %s cannot be found.", kind, name)
	}
	return name, r, nil
}

func (c *call) describe(p world.Principal, arn string) principalXML {
	x := principalXML{Path: p.Path, Arn: arn, CreateDate: opened}
	for _, k := range sortedKeys(p.Tags) {
		x.Tags = append(x.Tags, tagXML{k, p.Tags[k]})
	}
	if m := c.managed[p.Boundary]; m != nil {
		x.PermissionsBoundary = &boundaryXML{"Policy", c.policyARN(m)}
	}
	return x
}

func getUser(c *call) (any, error) {
	if c.form.Get("UserName") == "" && c.who.kind == typeRole {
		return nil, refuse("ValidationError", "Must specify userName when calling with non-User credentials")
	}
	if c.who.kind == typeRoot && c.form.Get("UserName") == "" {
		return userAnswer{principalXML{Path: "/", UserID: c.world.Account, Arn: c.who.ARN, CreateDate: opened}}, nil
	}
	name, _, err := c.entity("user")
	if err != nil {
		return nil, err
	}
	u := c.user(name)
	x := c.describe(u.Principal, c.userARN(u))
	x.UserName, x.UserID = u.Name, u.ID
	return userAnswer{x}, nil
}

func getRole(c *call) (any, error) {
	name, _, err := c.entity("role")
	if err != nil {
		return nil, err
	}
	r := c.role(name)
	x := c.describe(r.Principal, c.roleARN(r))
	x.RoleName, x.RoleID, x.MaxSessionDuration = r.Name, r.ID, 3600
	x.AssumeRolePolicy = escapeRFC3986(trustPolicy(r, c.world))
	return roleAnswer{x}, nil
}

type groupXML struct {
	Path, GroupName string
	GroupID         string `xml:"GroupId"`
	Arn, CreateDate string
}

type groupAnswer struct {
	Group       groupXML
	Users       []principalXML `xml:"Users>member"`
	IsTruncated bool
}

type groupsAnswer struct {
	Groups      []groupXML `xml:"Groups>member"`
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func (c *call) groupXML(g *world.Group) groupXML {
	return groupXML{g.Path, g.Name, madeUpID("AGPA", g.Name), c.groupARN(g), opened}
}

func getGroup(c *call) (any, error) {
	name, _, err := c.entity("group")
	if err != nil {
		return nil, err
	}
	a := groupAnswer{Group: c.groupXML(c.group(name))}
	for i := range c.world.Users {
		u := &c.world.Users[i]
		if slices.Contains(u.Groups, name) {
			x := c.describe(u.Principal, c.userARN(u))
			x.UserName, x.UserID = u.Name, u.ID
			a.Users = append(a.Users, x)
		}
	}
	return a, nil
}

func listGroupsForUser(c *call) (any, error) {
	name, _, err := c.entity("user")
	if err != nil {
		return nil, err
	}
	names, marker, err := c.iamPage(c.user(name).Groups)
	if err != nil {
		return nil, err
	}
	a := groupsAnswer{IsTruncated: marker != "", Marker: marker}
	for _, n := range names {
		a.Groups = append(a.Groups, c.groupXML(c.group(n)))
	}
	return a, nil
}

// iamPage cuts a list as IAM does: MaxItems from 1 to 1000, 100 when not given.
func (c *call) iamPage(all []string) (part []string, marker string, err error) {
	part, marker, ok := page(all, c.form.Get("Marker"), pageSize(c.number("MaxItems"), 100, 1000))
	if !ok {
		return nil, "", invalid(c.form.Get("Marker"), "marker", "Invalid Marker")
	}
	return part, marker, nil
}

func listAccountAliases(c *call) (any, error) {
	if err := c.authorize("iam:ListAccountAliases", anything); err != nil {
		return nil, err
	}
	return struct {
		AccountAliases []string `xml:"AccountAliases>member"`
		IsTruncated    bool
	}{}, nil
}

// trustPolicy writes the role's trust list as the policy document GetRole shows.
func trustPolicy(r *world.Role, w world.World) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for i, t := range r.Trust {
		if i > 0 {
			b.WriteString(",")
		}
		action, kind := "sts:AssumeRole", "AWS"
		if p, ok := strings.CutPrefix(t, federatedTrust); ok {
			action, kind, t = "sts:AssumeRoleWithWebIdentity", "Federated", "arn:"+w.Partition+":iam::"+w.Account+":oidc-provider/"+p
		} else if t == w.Account {
			t = "arn:" + w.Partition + ":iam::" + w.Account + ":root"
		}
		b.WriteString(`{"Effect":"Allow","Principal":{"` + kind + `":"` + t + `"},"Action":"` + action + `"`)
		if r.TrustMFA {
			b.WriteString(`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)
		}
		b.WriteString("}")
	}
	b.WriteString("]}")
	return b.String()
}
