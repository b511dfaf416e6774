package account

import (
	"encoding/json"
	"slices"
	"strings"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/api"
)

// severity orders decisions from the least to the most restrictive.
var severity = []policy.Verdict{policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny}

func (sim *simulation) resources() []string {
	if len(sim.given) == 0 {
		return []string{"*"}
	}
	return sim.given
}

// perAction is the result of one action over all resources.
func (sim *simulation) perAction(action string) evaluationResultXML {
	out := evaluationResultXML{EvalActionName: action, EvalResourceName: template(sim.given)}
	worst, byOrganization := policy.Allow, true
	for _, resource := range sim.resources() {
		verdict, organization, r := sim.evaluate(action, resource)
		if slices.Index(severity, verdict) > slices.Index(severity, worst) {
			worst = verdict
		}
		byOrganization = byOrganization && organization
		out.MatchedStatements = append(out.MatchedStatements, r.MatchedStatements...)
		out.PermissionsBoundaryDecisionDetail = r.PermissionsBoundaryDecisionDetail
		if sim.given == nil {
			out.MissingContextValues = r.MissingContextValues
			continue
		}
		out.ResourceSpecificResults = append(out.ResourceSpecificResults, r)
	}
	out.EvalDecision = worst.String()
	if sim.policies.Levels > 0 {
		out.OrganizationsDecisionDetail = &organizationsDetailXML{byOrganization}
	}
	return out
}

// perResource is the simulator's answer before 2026-07-30: a result per resource.
func (sim *simulation) perResource(action string) []evaluationResultXML {
	var all []evaluationResultXML
	for _, resource := range sim.resources() {
		verdict, organization, r := sim.evaluate(action, resource)
		out := evaluationResultXML{
			EvalActionName: action, EvalResourceName: resource, EvalDecision: verdict.String(),
			MatchedStatements: r.MatchedStatements, MissingContextValues: r.MissingContextValues,
			PermissionsBoundaryDecisionDetail: r.PermissionsBoundaryDecisionDetail,
		}
		if sim.policies.Levels > 0 {
			out.OrganizationsDecisionDetail = &organizationsDetailXML{organization}
		}
		all = append(all, out)
	}
	return all
}

// evaluate simulates one action on one resource. organization says whether the
// organization's policies allow it.
func (sim *simulation) evaluate(action, resource string) (v policy.Verdict, organization bool, r resourceResultXML) {
	ctx := sim.context()
	r.EvalResourceName = resource
	scp := policy.Allow
	for level := range sim.policies.Levels {
		one := policy.Set{Identity: sim.policies.Statements(api.LayerSCP, level)}.Evaluate(action, resource, ctx).Verdict
		if slices.Index(severity, one) > slices.Index(severity, scp) {
			scp = one
		}
	}
	a := sim.policies.Set(api.LayerSCP, api.LayerRCP).Evaluate(action, resource, ctx)
	v, organization = a.Verdict, scp == policy.Allow
	if foreign(resource, sim.World.Account) && v == policy.Allow {
		v = policy.ImplicitDeny
		r.EvalDecisionDetails = []decisionEntryXML{{"IAM Policy", "allowed"}, {"Resource Policy", "implicitDeny"}}
	}
	if !organization {
		v = scp // the simulation ends here, and shows nothing
	} else {
		r.MatchedStatements = sim.matched(a, v)
		r.MissingContextValues = sim.missing()
	}
	if sim.policies.Bounded {
		allowed := sim.policies.Allows(api.LayerBoundary, action, resource, ctx)
		r.PermissionsBoundaryDecisionDetail = &boundaryDetailXML{allowed}
	}
	r.EvalResourceDecision = v.String()
	return v, organization, r
}

// foreign reports whether another account owns the resource; an ARN without
// account counts as the caller's own.
func foreign(resource, account string) bool {
	f := strings.SplitN(resource, ":", 6)
	return len(f) == 6 && f[4] != "" && f[4] != "*" && f[4] != account
}

// matched shows the statements that decided: every Allow of the identity, or the one Deny.
func (sim *simulation) matched(a policy.Answer, v policy.Verdict) []statementXML {
	var all []statementXML
	for _, at := range a.By {
		src, ok := sim.policies.Source(at)
		if !ok || v == policy.Allow && src.Layer != api.LayerIdentity {
			continue
		}
		start, end := span(src.Text, at.Index)
		all = append(all, statementXML{src.ID, src.Kind, start, end})
		if v == policy.ExplicitDeny {
			break
		}
	}
	return all
}

// missing lists the condition keys of the identity's policies that have no value. It
// lists more than the decision needs, as the simulator does.
func (sim *simulation) missing() []string {
	return slices.DeleteFunc(sim.contextKeys(), func(k string) bool { return sim.keys[strings.ToLower(k)] != nil })
}

// contextKeys lists the condition keys of the policies, as written, sorted.
func (sim *simulation) contextKeys() []string {
	seen := make(map[string]bool)
	for _, src := range sim.policies.Sources {
		if src.Layer == api.LayerIdentity || src.Layer == api.LayerBoundary {
			for _, k := range conditionKeys(src.Text) {
				seen[k] = true
			}
		}
	}
	return api.SortedKeys(seen)
}

// conditionKeys reads the condition keys of a document, and the variables it uses.
func conditionKeys(text string) []string {
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil
	}
	type statement struct {
		Condition map[string]map[string]any
	}
	var list []statement
	if json.Unmarshal(doc.Statement, &list) != nil {
		var one statement
		if json.Unmarshal(doc.Statement, &one) != nil {
			return nil
		}
		list = []statement{one}
	}
	var keys []string
	for _, st := range list {
		for _, block := range st.Condition {
			keys = append(keys, api.SortedKeys(block)...)
		}
	}
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "${")
		name, next, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return keys
		}
		if name, _, _ = strings.Cut(name, ","); strings.Contains(name, ":") {
			keys = append(keys, strings.TrimSpace(name))
		}
		rest = next
	}
}

// span finds where a statement begins and ends in its document.
func span(text string, index int) (start, end positionXML) {
	d := json.NewDecoder(strings.NewReader(text))
	d.Token() //nolint:errcheck // the document has been parsed before
	for d.More() {
		name, _ := d.Token()
		if name != "Statement" {
			var skip json.RawMessage
			if d.Decode(&skip) != nil {
				return
			}
			continue
		}
		from := int(d.InputOffset())
		if strings.HasPrefix(strings.TrimLeft(text[from:], ": \t\r\n"), "[") {
			d.Token() //nolint:errcheck // the bracket
		}
		for i := 0; i <= index; i++ {
			var raw json.RawMessage
			if d.Decode(&raw) != nil {
				return
			}
			to := int(d.InputOffset())
			start, end = position(text, to-len(raw)), position(text, to)
		}
		return start, end
	}
	return
}

func position(text string, offset int) positionXML {
	before := text[:offset]
	return positionXML{strings.Count(before, "\n") + 1, offset - strings.LastIndex(before, "\n")}
}

// templates are the ARN templates of the resource types here, by service and type.
var templates = map[string]string{
	"ec2:instance":         "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}",
	"ssm:managed-instance": "arn:${Partition}:ssm:${Region}:${Account}:managed-instance/${InstanceId}",
	"ssm:document":         "arn:${Partition}:ssm:${Region}:${Account}:document/${DocumentName}",
	"ssm:session":          "arn:${Partition}:ssm:${Region}:${Account}:session/${SessionId}",
	"ecs:task":             "arn:${Partition}:ecs:${Region}:${Account}:task/${ClusterName}/${TaskId}",
	"kms:key":              "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",
}

// template is the resource name of a result over several resources: the template
// of their type, or "*" when they have none in common.
func template(resources []string) string {
	name := ""
	for _, r := range resources {
		t := "*"
		if f := strings.SplitN(r, ":", 6); len(f) == 6 {
			kind, _, _ := strings.Cut(f[5], "/")
			t = api.OrElse(templates[f[2]+":"+kind], "*")
		}
		if name != "" && name != t {
			return "*"
		}
		name = t
	}
	return api.OrElse(name, "*")
}

type contextKeysAnswer struct {
	ContextKeyNames []string `xml:"ContextKeyNames>member"`
}

func getContextKeys(c *api.Request) (any, error) {
	sim, err := readSimulation(c)
	if err != nil {
		return nil, err
	}
	return contextKeysAnswer{sim.contextKeys()}, nil
}
