package account

import (
	"fmt"
	"strings"
	"time"

	"ssmguard/internal/sandbox/api"
)

type attachedXML struct {
	PolicyName string
	PolicyArn  string
}

type attachedAnswer struct {
	AttachedPolicies []attachedXML `xml:"AttachedPolicies>member"`
	IsTruncated      bool
	Marker           string `xml:",omitempty"`
}

func listAttached(kind string) api.Handler {
	return func(c *api.Request) (any, error) {
		_, r, err := entity(c, kind)
		if err != nil {
			return nil, err
		}
		names, marker, err := iamPage(c, r.attached)
		if err != nil {
			return nil, err
		}
		a := attachedAnswer{IsTruncated: marker != "", Marker: marker}
		for _, n := range names {
			a.AttachedPolicies = append(a.AttachedPolicies, attachedXML{n, c.PolicyARN(c.Managed[n])})
		}
		return a, nil
	}
}

type inlineAnswer struct {
	PolicyNames []string `xml:"PolicyNames>member"`
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func listInline(kind string) api.Handler {
	return func(c *api.Request) (any, error) {
		_, r, err := entity(c, kind)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, p := range r.inline {
			all = append(all, p.Name)
		}
		names, marker, err := iamPage(c, all)
		if err != nil {
			return nil, err
		}
		return inlineAnswer{names, marker != "", marker}, nil
	}
}

type inlineDocument struct {
	UserName       string `xml:",omitempty"`
	RoleName       string `xml:",omitempty"`
	GroupName      string `xml:",omitempty"`
	PolicyName     string
	PolicyDocument string
}

func getInline(kind string) api.Handler {
	return func(c *api.Request) (any, error) {
		name, r, err := entity(c, kind)
		if err != nil {
			return nil, err
		}
		for _, p := range r.inline {
			if p.Name == c.Form.Get("PolicyName") {
				a := inlineDocument{PolicyName: p.Name, PolicyDocument: api.EscapeRFC3986(p.Document)}
				*map[string]*string{"user": &a.UserName, "role": &a.RoleName, "group": &a.GroupName}[kind] = name
				return a, nil
			}
		}
		return nil, noEntity("The %s policy with name %s cannot be found.", kind, c.Form.Get("PolicyName"))
	}
}

func putInline(kind string) api.Handler {
	return func(c *api.Request) (any, error) {
		name, _, err := entity(c, kind)
		if err != nil {
			return nil, err
		}
		if err := c.SetInline(kind+"/"+name, c.Form.Get("PolicyName"), c.Form.Get("PolicyDocument")); err != nil {
			return nil, api.Refuse("MalformedPolicyDocument", "%v", err)
		}
		return nil, nil
	}
}

func deleteInline(kind string) api.Handler {
	return func(c *api.Request) (any, error) {
		name, _, err := entity(c, kind)
		if err != nil {
			return nil, err
		}
		if err := c.DropInline(kind+"/"+name, c.Form.Get("PolicyName")); err != nil {
			return nil, noEntity("The %s policy with name %s cannot be found.", kind, c.Form.Get("PolicyName"))
		}
		return nil, nil
	}
}

type managedXML struct {
	PolicyName, Arn, Path string
	PolicyID              string `xml:"PolicyId"`
	DefaultVersionID      string `xml:"DefaultVersionId"`
	IsAttachable          bool
	CreateDate            string
	UpdateDate            string
}

type managedAnswer struct{ Policy managedXML }

type versionXML struct {
	Document         string
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

type versionAnswer struct{ PolicyVersion versionXML }

func managedByARN(c *api.Request, arn string) *api.ManagedPolicy {
	for _, name := range c.ManagedOrder {
		if m := c.Managed[name]; c.PolicyARN(m) == arn {
			return m
		}
	}
	return nil
}

// managedEntity authorizes the call's own action on a managed policy and finds it.
func managedEntity(c *api.Request) (*api.ManagedPolicy, error) {
	arn := c.Form.Get("PolicyArn")
	if !strings.HasPrefix(arn, "arn:") {
		return nil, api.Invalid(arn, "policyArn", "Member must have length greater than or equal to 20")
	}
	if err := c.Authorize("iam:"+c.Operation, api.Object{ARN: arn, Shown: "policy " + arn}); err != nil {
		return nil, err
	}
	m := managedByARN(c, arn)
	if m == nil {
		return nil, noEntity("Policy %s was not found.", arn)
	}
	return m, nil
}

func versionID(i int) string { return fmt.Sprintf("v%d", i+1) }

func getPolicy(c *api.Request) (any, error) {
	m, err := managedEntity(c)
	if err != nil {
		return nil, err
	}
	return managedAnswer{managedXML{
		PolicyName: m.Name, Arn: c.PolicyARN(m), Path: m.Path, PolicyID: api.MadeUpID("ANPA", m.Name),
		DefaultVersionID: versionID(m.Current), IsAttachable: true, CreateDate: api.Opened,
		UpdateDate: m.Versions[m.Current].Created.UTC().Format(time.RFC3339),
	}}, nil
}

func getPolicyVersion(c *api.Request) (any, error) {
	m, err := managedEntity(c)
	if err != nil {
		return nil, err
	}
	for i, v := range m.Versions {
		if versionID(i) == c.Form.Get("VersionId") {
			return versionAnswer{versionXML{api.EscapeRFC3986(v.Document), versionID(i), i == m.Current, v.Created.UTC().Format(time.RFC3339)}}, nil
		}
	}
	return nil, noEntity("Policy %s version %s does not exist or is not attachable.", c.PolicyARN(m), c.Form.Get("VersionId"))
}
