package account

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/api"
)

// The simulator behaves as the API reference of SimulatePrincipalPolicy and its
// change of 2026-07-30 describe: one result per action, the decisions per
// resource inside it, organization policies evaluated but never shown, and
// nothing of session policies, endpoint policies or RCPs.

type positionXML struct{ Line, Column int }

type statementXML struct {
	SourcePolicyID   string `xml:"SourcePolicyId"`
	SourcePolicyType string
	StartPosition    positionXML
	EndPosition      positionXML
}

type boundaryDetailXML struct{ AllowedByPermissionsBoundary bool }

type organizationsDetailXML struct{ AllowedByOrganizations bool }

type decisionEntryXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type resourceResultXML struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MatchedStatements                 []statementXML     `xml:"MatchedStatements>member"`
	MissingContextValues              []string           `xml:"MissingContextValues>member"`
	EvalDecisionDetails               []decisionEntryXML `xml:"EvalDecisionDetails>entry"`
	PermissionsBoundaryDecisionDetail *boundaryDetailXML `xml:",omitempty"`
}

type evaluationResultXML struct {
	EvalActionName                    string
	EvalResourceName                  string
	EvalDecision                      string
	MatchedStatements                 []statementXML          `xml:"MatchedStatements>member"`
	MissingContextValues              []string                `xml:"MissingContextValues>member"`
	OrganizationsDecisionDetail       *organizationsDetailXML `xml:",omitempty"`
	PermissionsBoundaryDecisionDetail *boundaryDetailXML      `xml:",omitempty"`
	ResourceSpecificResults           []resourceResultXML     `xml:"ResourceSpecificResults>member"`
}

type simulationAnswer struct {
	EvaluationResults []evaluationResultXML `xml:"EvaluationResults>member"`
	IsTruncated       bool
	Marker            string `xml:",omitempty"`
}

// simulation is one request to the simulator.
type simulation struct {
	*api.Request
	policies *api.Bearing
	keys     map[string][]string // the request's entries, and the keys that the simulator fills in
	multi    map[string]bool
	given    []string // resources; nil when the request named none
}

var actionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`) })

func simulatePrincipalPolicy(c *api.Request) (any, error) {
	sim, err := readSimulation(c)
	if err != nil {
		return nil, err
	}
	actions := c.List("ActionNames.member.%d")
	if len(actions) == 0 {
		return nil, api.Refuse("ValidationError", "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must not be null")
	}
	var results []evaluationResultXML
	for _, action := range actions {
		if !actionForm().MatchString(action) {
			return nil, api.Refuse("InvalidInput", "Invalid Action Name: %s", action)
		}
		if c.World.OldSimulator {
			results = append(results, sim.perResource(action)...)
			continue
		}
		results = append(results, sim.perAction(action))
	}
	part, marker, ok := api.Page(results, c.Form.Get("Marker"), api.PageSize(c.Number("MaxItems"), 100, 1000))
	if !ok {
		return nil, api.Refuse("InvalidInput", "Invalid Marker")
	}
	return simulationAnswer{part, marker != "", marker}, nil
}

// simulation reads and checks a request.
func readSimulation(c *api.Request) (*simulation, error) {
	arn := c.Form.Get("PolicySourceArn")
	if err := c.Authorize("iam:"+c.Operation, api.Object{ARN: arn}); err != nil {
		return nil, err
	}
	sim := &simulation{Request: c, policies: c.NoPolicies(), keys: make(map[string][]string), multi: make(map[string]bool)}
	if err := sim.source(arn); err != nil {
		return nil, err
	}
	if c.Form.Has("ResourcePolicy") {
		return nil, api.Refuse("InvalidInput", "ResourcePolicy is not supported for IAM roles, and for nobody in this account.")
	}
	if by := c.Form.Get("CallerArn"); by != "" && !entityForm().MatchString(by) {
		return nil, invalidEntity(by)
	}
	if err := sim.entries(); err != nil {
		return nil, err
	}
	if err := sim.inputPolicies(); err != nil {
		return nil, err
	}
	if err := sim.exclude(); err != nil {
		return nil, err
	}
	sim.given = c.List("ResourceArns.member.%d")
	for _, r := range sim.given {
		if r != "*" && len(strings.SplitN(r, ":", 6)) < 6 {
			return nil, api.Refuse("InvalidInput", "Invalid Resource ARN: %s", r)
		}
	}
	return sim, nil
}

var entityForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^arn:[^:]+:iam::[0-9]{12}:(user|role|group)/.+$`) })

func invalidEntity(arn string) *api.Refusal {
	return api.Refuse("InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
}

// source collects the policies of the entity and the keys about it.
func (sim *simulation) source(arn string) error {
	m := entityForm().FindStringSubmatch(arn)
	if m == nil {
		return invalidEntity(arn)
	}
	name := arn[strings.LastIndex(arn, "/")+1:]
	fill := func(k, v string) { sim.keys[strings.ToLower(k)] = []string{v} }
	fill("aws:PrincipalAccount", sim.World.Account)
	switch u, r, g := sim.User(name), sim.Role(name), sim.Group(name); {
	case m[1] == "user" && u != nil && sim.UserARN(u) == arn:
		sim.policies.AddUser(u)
		fill("aws:PrincipalType", api.TypeUser)
		fill("aws:userid", u.ID)
		fill("aws:PrincipalId", u.ID)
		fill("aws:username", u.Name)
	case m[1] == "role" && r != nil && sim.RoleARN(r) == arn:
		sim.policies.AddPrincipal("role", &r.Principal)
		fill("aws:PrincipalType", api.TypeRole)
		fill("aws:userid", r.ID)
		fill("aws:PrincipalId", r.ID)
	case m[1] == "group" && g != nil && sim.GroupARN(g) == arn:
		sim.policies.AddGroup(g)
	default:
		return noEntity("The %s with name %s cannot be found.", m[1], name)
	}
	sim.policies.AddOrganization()
	if o := sim.World.Organization; o != nil {
		fill("aws:PrincipalOrgID", o.ID)
		fill("aws:PrincipalOrgMasterAccountId", o.ManagementAccount)
		fill("aws:PrincipalOrgPaths", api.OrgPath(o))
		sim.multi["aws:principalorgpaths"] = true
	}
	return nil
}

var entryTypes = []string{"string", "stringList", "numeric", "numericList", "boolean", "booleanList", "ip", "ipList", "binary", "binaryList", "date", "dateList"}

// entries reads the context entries, which hold for every resource of the request.
func (sim *simulation) entries() error {
	for i, name := range sim.List("ContextEntries.member.%d.ContextKeyName") {
		prefix := fmt.Sprintf("ContextEntries.member.%d.", i+1)
		kind := sim.Form.Get(prefix + "ContextKeyType")
		values := sim.List(prefix + "ContextKeyValues.member.%d")
		switch {
		case len(name) < 5 || len(name) > 256:
			return api.Invalid(name, fmt.Sprintf("contextEntries.%d.member.contextKeyName", i+1), "Member must have length between 5 and 256")
		case !slices.Contains(entryTypes, kind):
			return api.Invalid(kind, fmt.Sprintf("contextEntries.%d.member.contextKeyType", i+1), "Member must satisfy enum value set: ["+strings.Join(entryTypes, ", ")+"]")
		case len(values) == 0, len(values) > 1 && !strings.HasSuffix(kind, "List"):
			return api.Refuse("InvalidInput", "Invalid context key values for %s of type %s", name, kind)
		}
		key := strings.ToLower(name)
		sim.keys[key], sim.multi[key] = values, strings.HasSuffix(kind, "List")
	}
	return nil
}

// inputPolicies adds PolicyInputList to the identity's policies and lets
// PermissionsBoundaryPolicyInputList take the place of the boundary.
func (sim *simulation) inputPolicies() error {
	boundary := sim.List("PermissionsBoundaryPolicyInputList.member.%d")
	if len(boundary) > 0 {
		sim.policies.Sources = slices.DeleteFunc(sim.policies.Sources, func(s api.Source) bool { return s.Layer == api.LayerBoundary })
		sim.policies.Bounded = true
	}
	for l, texts := range map[api.Layer][]string{api.LayerIdentity: sim.List("PolicyInputList.member.%d"), api.LayerBoundary: boundary} {
		for i, text := range texts {
			src := api.Source{Key: fmt.Sprintf("input %d %d", l, i), Layer: l, Text: text, Kind: "none", ID: fmt.Sprintf("PolicyInputList.%d", i+1)}
			if l == api.LayerBoundary {
				src.ID = "PermissionsBoundaryPolicyInputList.1"
			}
			if err := sim.Parse(&src); err != nil {
				return api.Refuse("InvalidInput", "%v", err)
			}
			sim.policies.Sources = append(sim.policies.Sources, src)
		}
	}
	return nil
}

// exclude removes the policies in PolicyExclusionList, by policy type, ARN, or entity and name:
// docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyIdentifier.html
func (sim *simulation) exclude() error {
	for i := 1; ; i++ {
		field := func(name string) string {
			return sim.Form.Get(fmt.Sprintf("PolicyExclusionList.member.%d.%s", i, name))
		}
		kind, arn, inline := field("PolicyType"), field("PolicyArn"), field("InlinePolicyIdentifier.PolicyName")
		if kind == "" && arn == "" && inline == "" {
			return nil
		}
		if i > 256 || strings.Count(arn, "*") > 1 {
			return api.Refuse("InvalidInput", "Invalid policy exclusion list.")
		}
		attached := field("InlinePolicyIdentifier.AttachmentType") + "_" + field("InlinePolicyIdentifier.AttachmentName") + "_" + inline
		sim.policies.Sources = slices.DeleteFunc(sim.policies.Sources, func(s api.Source) bool {
			if s.Layer != api.LayerIdentity || strings.HasPrefix(s.ID, "PolicyInputList.") {
				return false
			}
			return kind != "" && (kind == s.Kind || kind == "inline" && s.ARN == "") || arn != "" && s.ARN != "" && policy.Wild(arn, s.ARN) ||
				inline != "" && s.ARN == "" && policy.Wild(attached, s.ID)
		})
		switch kind {
		case "scp":
			sim.policies.Levels = 0
		case "permission-boundary":
			sim.policies.Bounded = false
		}
	}
}

// context is the simulated request: a key without a value is absent.
func (sim *simulation) context() policy.Context {
	var ctx policy.Context
	for k, v := range sim.keys {
		if sim.multi[k] {
			ctx.SetMulti(k, v...)
		} else {
			ctx.Set(k, v[0])
		}
	}
	return ctx
}
