package account

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

type attachedXML struct {
	PolicyName string
	PolicyArn  string
}

type attachedAnswer struct {
	AttachedPolicies []attachedXML `xml:"AttachedPolicies>member"`
	IsTruncated      bool
	Marker           string `xml:",omitempty"`
}

func listAttached(kind string) handler {
	return func(c *call) (any, error) {
		_, r, err := c.entity(kind)
		if err != nil {
			return nil, err
		}
		names, marker, err := c.iamPage(r.attached)
		if err != nil {
			return nil, err
		}
		a := attachedAnswer{IsTruncated: marker != "", Marker: marker}
		for _, n := range names {
			a.AttachedPolicies = append(a.AttachedPolicies, attachedXML{n, c.policyARN(c.managed[n])})
		}
		return a, nil
	}
}

type inlineAnswer struct {
	PolicyNames []string `xml:"PolicyNames>member"`
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func listInline(kind string) handler {
	return func(c *call) (any, error) {
		_, r, err := c.entity(kind)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, p := range r.inline {
			all = append(all, p.Name)
		}
		names, marker, err := c.iamPage(all)
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

func getInline(kind string) handler {
	return func(c *call) (any, error) {
		name, r, err := c.entity(kind)
		if err != nil {
			return nil, err
		}
		for _, p := range r.inline {
			if p.Name == c.form.Get("PolicyName") {
				a := inlineDocument{PolicyName: p.Name, PolicyDocument: escapeRFC3986(p.Document)}
				*map[string]*string{"user": &a.UserName, "role": &a.RoleName, "group": &a.GroupName}[kind] = name
				return a, nil
			}
		}
		return nil, noEntity("The %s policy with name %s cannot be found.", kind, c.form.Get("PolicyName"))
	}
}

func putInline(kind string) handler {
	return func(c *call) (any, error) {
		name, _, err := c.entity(kind)
		if err != nil {
			return nil, err
		}
		if err := c.putInline(kind+"/"+name, c.form.Get("PolicyName"), c.form.Get("PolicyDocument")); err != nil {
			return nil, refuse("MalformedPolicyDocument", "%v", err)
		}
		return nil, nil
	}
}

func deleteInline(kind string) handler {
	return func(c *call) (any, error) {
		name, _, err := c.entity(kind)
		if err != nil {
			return nil, err
		}
		if err := c.deleteInline(kind+"/"+name, c.form.Get("PolicyName")); err != nil {
			return nil, noEntity("The %s policy with name %s cannot be found.", kind, c.form.Get("PolicyName"))
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

func (c *call) managedByARN(arn string) *managedPolicy {
	for _, name := range c.managedOrder {
		if m := c.managed[name]; c.policyARN(m) == arn {
			return m
		}
	}
	return nil
}

// managedEntity authorizes the call's own action on a managed policy and finds it.
func (c *call) managedEntity() (*managedPolicy, error) {
	arn := c.form.Get("PolicyArn")
	if !strings.HasPrefix(arn, "arn:") {
		return nil, invalid(arn, "policyArn", "Member must have length greater than or equal to 20")
	}
	if err := c.authorize("iam:"+c.operation, object{arn: arn, shown: "policy " + arn}); err != nil {
		return nil, err
	}
	m := c.managedByARN(arn)
	if m == nil {
		return nil, noEntity("Policy %s was not found.", arn)
	}
	return m, nil
}

func versionID(i int) string { return fmt.Sprintf("v%d", i+1) }

func getPolicy(c *call) (any, error) {
	m, err := c.managedEntity()
	if err != nil {
		return nil, err
	}
	return managedAnswer{managedXML{
		PolicyName: m.Name, Arn: c.policyARN(m), Path: m.Path, PolicyID: madeUpID("ANPA", m.Name),
		DefaultVersionID: versionID(m.current), IsAttachable: true, CreateDate: opened,
		UpdateDate: m.versions[m.current].created.UTC().Format(time.RFC3339),
	}}, nil
}

func getPolicyVersion(c *call) (any, error) {
	m, err := c.managedEntity()
	if err != nil {
		return nil, err
	}
	for i, v := range m.versions {
		if versionID(i) == c.form.Get("VersionId") {
			return versionAnswer{versionXML{escapeRFC3986(v.document), versionID(i), i == m.current, v.created.UTC().Format(time.RFC3339)}}, nil
		}
	}
	return nil, noEntity("Policy %s version %s does not exist or is not attachable.", c.policyARN(m), c.form.Get("VersionId"))
}
