package account

import (
	"slices"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// The parts of GetAccountAuthorizationDetails, which IAM lists in this order:
// docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
type (
	inlineText struct{ PolicyName, PolicyDocument string }

	detailXML struct {
		Path              string
		UserName          string `xml:",omitempty"`
		UserID            string `xml:"UserId,omitempty"`
		GroupName         string `xml:",omitempty"`
		GroupID           string `xml:"GroupId,omitempty"`
		RoleName          string `xml:",omitempty"`
		RoleID            string `xml:"RoleId,omitempty"`
		Arn               string
		CreateDate        string
		AssumeRolePolicy  string        `xml:"AssumeRolePolicyDocument,omitempty"`
		UserPolicyList    []inlineText  `xml:"UserPolicyList>member"`
		GroupPolicyList   []inlineText  `xml:"GroupPolicyList>member"`
		RolePolicyList    []inlineText  `xml:"RolePolicyList>member"`
		GroupList         []string      `xml:"GroupList>member"`
		AttachedManaged   []attachedXML `xml:"AttachedManagedPolicies>member"`
		PermissionsBounds *boundaryXML  `xml:"PermissionsBoundary,omitempty"`
		Tags              []tagXML      `xml:"Tags>member"`
	}

	managedDetailXML struct {
		managedXML
		PolicyVersionList []versionXML `xml:"PolicyVersionList>member"`
	}

	detailsAnswer struct {
		UserDetailList  []detailXML        `xml:"UserDetailList>member"`
		GroupDetailList []detailXML        `xml:"GroupDetailList>member"`
		RoleDetailList  []detailXML        `xml:"RoleDetailList>member"`
		Policies        []managedDetailXML `xml:"Policies>member"`
		IsTruncated     bool
		Marker          string `xml:",omitempty"`
	}
)

// detailFilters are the values of Filter, in the order of the answer.
var detailFilters = []string{"User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"}

func getAccountAuthorizationDetails(c *api.Request) (any, error) {
	if err := c.Authorize("iam:GetAccountAuthorizationDetails", api.Anything); err != nil {
		return nil, err
	}
	filters := c.List("Filter.member.%d")
	for _, f := range filters {
		if !slices.Contains(detailFilters, f) {
			return nil, api.Invalid(f, "filter", "Member must satisfy enum value set: [Role, AWSManagedPolicy, User, LocalManagedPolicy, Group]")
		}
	}
	if filters == nil {
		filters = detailFilters
	}
	var all []func(*detailsAnswer)
	for _, f := range detailFilters {
		if slices.Contains(filters, f) {
			all = append(all, detailsOf(c, f)...)
		}
	}
	part, marker, ok := api.Page(all, c.Form.Get("Marker"), api.PageSize(c.Number("MaxItems"), 100, 1000))
	if !ok {
		return nil, api.Invalid(c.Form.Get("Marker"), "marker", "Invalid Marker")
	}
	a := detailsAnswer{IsTruncated: marker != "", Marker: marker}
	for _, add := range part {
		add(&a)
	}
	return a, nil
}

// detailsOf returns what adds each entry of one kind to an answer.
func detailsOf(c *api.Request, kind string) (all []func(*detailsAnswer)) {
	switch kind {
	case "User":
		for i := range c.World.Users {
			u := &c.World.Users[i]
			all = append(all, func(a *detailsAnswer) {
				x := detailOf(c, u.Principal, c.UserARN(u))
				x.UserName, x.UserID, x.GroupList, x.UserPolicyList = u.Name, u.ID, u.Groups, inlineTexts(u.Inline)
				a.UserDetailList = append(a.UserDetailList, x)
			})
		}
	case "Group":
		for i := range c.World.Groups {
			g := &c.World.Groups[i]
			all = append(all, func(a *detailsAnswer) {
				x := detailOf(c, world.Principal{Path: g.Path, Attached: g.Attached}, c.GroupARN(g))
				x.GroupName, x.GroupID, x.GroupPolicyList = g.Name, api.MadeUpID("AGPA", g.Name), inlineTexts(g.Inline)
				a.GroupDetailList = append(a.GroupDetailList, x)
			})
		}
	case "Role":
		for i := range c.World.Roles {
			r := &c.World.Roles[i]
			all = append(all, func(a *detailsAnswer) {
				x := detailOf(c, r.Principal, c.RoleARN(r))
				x.RoleName, x.RoleID, x.RolePolicyList = r.Name, r.ID, inlineTexts(r.Inline)
				x.AssumeRolePolicy = api.EscapeRFC3986(trustPolicy(r, c.World))
				a.RoleDetailList = append(a.RoleDetailList, x)
			})
		}
	default:
		for _, name := range c.ManagedOrder {
			if m := c.Managed[name]; m.AWS == (kind == "AWSManagedPolicy") {
				all = append(all, func(a *detailsAnswer) { a.Policies = append(a.Policies, managedDetail(c, m)) })
			}
		}
	}
	return all
}

func detailOf(c *api.Request, p world.Principal, arn string) detailXML {
	x := detailXML{Path: p.Path, Arn: arn, CreateDate: api.Opened}
	for _, name := range p.Attached {
		x.AttachedManaged = append(x.AttachedManaged, attachedXML{name, c.PolicyARN(c.Managed[name])})
	}
	if m := c.Managed[p.Boundary]; m != nil {
		x.PermissionsBounds = &boundaryXML{"Policy", c.PolicyARN(m)}
	}
	for _, key := range api.SortedKeys(p.Tags) {
		x.Tags = append(x.Tags, tagXML{key, p.Tags[key]})
	}
	return x
}

func inlineTexts(policies []world.Policy) (texts []inlineText) {
	for _, p := range policies {
		texts = append(texts, inlineText{p.Name, api.EscapeRFC3986(p.Document)})
	}
	return texts
}

func managedDetail(c *api.Request, m *api.ManagedPolicy) managedDetailXML {
	x := managedDetailXML{managedXML: managedXML{
		PolicyName: m.Name, Arn: c.PolicyARN(m), Path: m.Path, PolicyID: api.MadeUpID("ANPA", m.Name),
		DefaultVersionID: versionID(m.Current), IsAttachable: true, CreateDate: api.Opened,
		UpdateDate: m.Versions[m.Current].Created.UTC().Format(time.RFC3339),
	}}
	for i, v := range m.Versions {
		x.PolicyVersionList = append(x.PolicyVersionList, versionXML{api.EscapeRFC3986(v.Document), versionID(i), i == m.Current, v.Created.UTC().Format(time.RFC3339)})
	}
	return x
}
