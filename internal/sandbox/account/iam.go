package account

import (
	"net/http"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var iamOperations = map[string]api.Handler{
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
	"GetAccountAuthorizationDetails":   getAccountAuthorizationDetails,
}

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

// noEntity is IAM's answer for an unknown name.
func noEntity(format string, args ...any) *api.Refusal {
	f := api.Refuse("NoSuchEntity", format, args...)
	f.Status = http.StatusNotFound
	return f
}

// resource is a user, role or group for the operations on its policies.
type resource struct {
	arn      string
	attached []string
	inline   []world.Policy
	known    bool
}

// resourceOf finds the resource of a form's UserName, RoleName or GroupName.
func resourceOf(c *api.Request, kind string) (name string, r resource) {
	switch kind {
	case "user":
		name = api.OrElse(c.Form.Get("UserName"), c.Who.Username())
		r.arn = c.IAMARN("user/" + name)
		if u := c.User(name); u != nil {
			r = resource{c.UserARN(u), u.Attached, u.Inline, true}
		}
	case "role":
		name = c.Form.Get("RoleName")
		r.arn = c.IAMARN("role/" + name)
		if x := c.Role(name); x != nil {
			r = resource{c.RoleARN(x), x.Attached, x.Inline, true}
		}
	case "group":
		name = c.Form.Get("GroupName")
		r.arn = c.IAMARN("group/" + name)
		if g := c.Group(name); g != nil {
			r = resource{c.GroupARN(g), g.Attached, g.Inline, true}
		}
	}
	return name, r
}

// entity authorizes the call's own action on a principal, which IAM names in a
// denial by kind and name, and finds it.
func entity(c *api.Request, kind string) (string, resource, error) {
	name, r := resourceOf(c, kind)
	on := api.Object{ARN: r.arn, Shown: kind + " " + name}
	if u := c.User(name); kind == "user" && u != nil {
		on.Keys = api.Tagged("", u.Tags, "iam:ResourceTag/").Keys
	}
	if x := c.Role(name); kind == "role" && x != nil {
		on.Keys = api.Tagged("", x.Tags, "iam:ResourceTag/").Keys
	}
	if err := c.Authorize("iam:"+c.Operation, on); err != nil {
		return name, r, err
	}
	if !r.known {
		return name, r, noEntity("The %s with name %s cannot be found.", kind, name)
	}
	return name, r, nil
}

func describe(c *api.Request, p world.Principal, arn string) principalXML {
	x := principalXML{Path: p.Path, Arn: arn, CreateDate: api.Opened}
	for _, k := range api.SortedKeys(p.Tags) {
		x.Tags = append(x.Tags, tagXML{k, p.Tags[k]})
	}
	if m := c.Managed[p.Boundary]; m != nil {
		x.PermissionsBoundary = &boundaryXML{"Policy", c.PolicyARN(m)}
	}
	return x
}

func getUser(c *api.Request) (any, error) {
	if c.Form.Get("UserName") == "" && c.Who.Kind == api.TypeRole {
		return nil, api.Refuse("ValidationError", "Must specify userName when calling with non-User credentials")
	}
	if c.Who.Kind == api.TypeRoot && c.Form.Get("UserName") == "" {
		return userAnswer{principalXML{Path: "/", UserID: c.World.Account, Arn: c.Who.ARN, CreateDate: api.Opened}}, nil
	}
	name, _, err := entity(c, "user")
	if err != nil {
		return nil, err
	}
	u := c.User(name)
	x := describe(c, u.Principal, c.UserARN(u))
	x.UserName, x.UserID = u.Name, u.ID
	return userAnswer{x}, nil
}

func getRole(c *api.Request) (any, error) {
	name, _, err := entity(c, "role")
	if err != nil {
		return nil, err
	}
	r := c.Role(name)
	x := describe(c, r.Principal, c.RoleARN(r))
	x.RoleName, x.RoleID, x.MaxSessionDuration = r.Name, r.ID, 3600
	x.AssumeRolePolicy = api.EscapeRFC3986(trustPolicy(r, c.World))
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

func groupOf(c *api.Request, g *world.Group) groupXML {
	return groupXML{g.Path, g.Name, api.MadeUpID("AGPA", g.Name), c.GroupARN(g), api.Opened}
}

func getGroup(c *api.Request) (any, error) {
	name, _, err := entity(c, "group")
	if err != nil {
		return nil, err
	}
	a := groupAnswer{Group: groupOf(c, c.Group(name))}
	for i := range c.World.Users {
		u := &c.World.Users[i]
		if slices.Contains(u.Groups, name) {
			x := describe(c, u.Principal, c.UserARN(u))
			x.UserName, x.UserID = u.Name, u.ID
			a.Users = append(a.Users, x)
		}
	}
	return a, nil
}

func listGroupsForUser(c *api.Request) (any, error) {
	name, _, err := entity(c, "user")
	if err != nil {
		return nil, err
	}
	names, marker, err := iamPage(c, c.User(name).Groups)
	if err != nil {
		return nil, err
	}
	a := groupsAnswer{IsTruncated: marker != "", Marker: marker}
	for _, n := range names {
		a.Groups = append(a.Groups, groupOf(c, c.Group(n)))
	}
	return a, nil
}

// iamPage cuts a list as IAM does: MaxItems from 1 to 1000, 100 when not given.
func iamPage(c *api.Request, all []string) (part []string, marker string, err error) {
	part, marker, ok := api.Page(all, c.Form.Get("Marker"), api.PageSize(c.Number("MaxItems"), 100, 1000))
	if !ok {
		return nil, "", api.Invalid(c.Form.Get("Marker"), "marker", "Invalid Marker")
	}
	return part, marker, nil
}

func listAccountAliases(c *api.Request) (any, error) {
	if err := c.Authorize("iam:ListAccountAliases", api.Anything); err != nil {
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
		if p, ok := strings.CutPrefix(t, world.FederatedTrust); ok {
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
