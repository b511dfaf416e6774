package policyfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// stackPlaces lists where the resources of a template hold policies, and what kinds
// of policy these may be.
var stackPlaces = []struct {
	resource string
	path     []string // a property, or a list and a property of its elements
	kinds    []policy.Kind
}{
	{"AWS::IAM::Role", []string{"Policies", "PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::User", []string{"Policies", "PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::Group", []string{"Policies", "PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::Policy", []string{"PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::RolePolicy", []string{"PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::UserPolicy", []string{"PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::GroupPolicy", []string{"PolicyDocument"}, []policy.Kind{policy.Identity}},
	{"AWS::IAM::ManagedPolicy", []string{"PolicyDocument"}, []policy.Kind{policy.Identity, policy.Boundary, policy.Session}},
	{"AWS::SSO::PermissionSet", []string{"InlinePolicy"}, []policy.Kind{policy.Identity}},
	{"AWS::Organizations::Policy", []string{"Content"}, []policy.Kind{policy.SCP, policy.RCP}},
	{"AWS::EC2::VPCEndpoint", []string{"PolicyDocument"}, []policy.Kind{policy.Endpoint}},
}

// stackPrincipals are the resources that are principals, with the property that names
// them, and what their nodes in the graph of owners are called before the name.
var stackPrincipals = map[string]struct{ name, kind string }{
	"AWS::IAM::Role":          {"RoleName", "role"},
	"AWS::IAM::User":          {"UserName", "user"},
	"AWS::IAM::Group":         {"GroupName", "group"},
	"AWS::SSO::PermissionSet": {"Name", "permission set"},
}

// stackTies lists which properties name the principals that have a resource (has is
// false), or what a principal has (has is true).
var stackTies = []struct {
	resource, property string
	kind               string // of the names; "" for the ARNs of policies
	has                bool
}{
	{"AWS::IAM::Policy", "Roles", "role", false},
	{"AWS::IAM::Policy", "Users", "user", false},
	{"AWS::IAM::Policy", "Groups", "group", false},
	{"AWS::IAM::ManagedPolicy", "Roles", "role", false},
	{"AWS::IAM::ManagedPolicy", "Users", "user", false},
	{"AWS::IAM::ManagedPolicy", "Groups", "group", false},
	{"AWS::IAM::RolePolicy", "RoleName", "role", false},
	{"AWS::IAM::UserPolicy", "UserName", "user", false},
	{"AWS::IAM::GroupPolicy", "GroupName", "group", false},
	{"AWS::IAM::UserToGroupAddition", "Users", "user", false},
	{"AWS::IAM::UserToGroupAddition", "GroupName", "group", true},
	{"AWS::IAM::User", "Groups", "group", true},
	{"AWS::IAM::Role", "ManagedPolicyArns", "", true},
	{"AWS::IAM::User", "ManagedPolicyArns", "", true},
	{"AWS::IAM::Group", "ManagedPolicyArns", "", true},
	{"AWS::SSO::PermissionSet", "ManagedPolicies", "", true},
}

// sessionActions are what is asked of policies: a statement about none of them says
// nothing of a session.
var sessionActions = []string{
	guard.ActionStart, guard.ActionResume, guard.ActionTerminate, guard.ActionDataChannel, guard.ActionDataKey, "kms:Decrypt",
	"ssm:StartAccessRequest", "ssm:GetAccessToken", "ssmmessages:CreateDataChannel", "ecs:ExecuteCommand", "ecs:DescribeTasks",
}

// stackResource is a resource of a template.
type stackResource struct {
	Type       string
	Condition  string
	Properties map[string]any
}

// isStack reports whether a file is a template of CloudFormation, SAM or CDK.
func isStack(in policyInput) bool {
	resources, _ := in.template()["Resources"].(map[string]any)
	for _, r := range resources {
		if m, ok := r.(map[string]any); ok {
			if kind, _ := m["Type"].(string); strings.Contains(kind, "::") {
				return true
			}
		}
	}
	return false
}

// template returns a file as JSON or YAML, with the short forms of functions written
// out; nil if it is neither or has no resources.
func (in policyInput) template() map[string]any {
	var top map[string]any
	if in.top != nil {
		if in.top["Resources"] != nil {
			_ = json.Unmarshal(in.text, &top)
		}
		return top
	}
	var doc yaml.Node
	if !strings.Contains(string(in.text), "Resources:") || yaml.Unmarshal(in.text, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	// A text has fewer nodes than bytes, and its aliases repeat a few. Those that contain
	// themselves never end.
	budget := min(1000+10*len(in.text), 100_000)
	top, _ = writtenOut(doc.Content[0], &budget).(map[string]any)
	if budget < 0 {
		return nil
	}
	return top
}

// writtenOut returns a YAML node as JSON has it: a date stays a text, and !Sub x is
// {"Fn::Sub": x}. Below zero of the budget of nodes, which aliases can multiply, it is
// not whole.
func writtenOut(n *yaml.Node, budget *int) any {
	if *budget--; *budget < 0 {
		return nil
	}
	var v any
	switch n.Kind {
	case yaml.AliasNode:
		return writtenOut(n.Alias, budget)
	case yaml.MappingNode:
		m := make(map[string]any)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = writtenOut(n.Content[i+1], budget)
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, e := range n.Content {
			list = append(list, writtenOut(e, budget))
		}
		v = list
	default:
		switch n.ShortTag() {
		case "!!null":
			return nil
		case "!!bool":
			return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
		}
		v = n.Value
	}
	switch tag := n.Tag; {
	case strings.HasPrefix(tag, "!!") || !strings.HasPrefix(tag, "!"):
		return v
	case tag == "!Ref", tag == "!Condition":
		return map[string]any{tag[1:]: v}
	default:
		return map[string]any{"Fn::" + tag[1:]: v}
	}
}

// stackReader collects the policies of one kind.
type stackReader struct {
	in        policyInput
	kind      policy.Kind
	resources map[string]stackResource
	mappings  map[string]any

	parameters map[string]stackParameter
	conditions map[string]any
	texts      fileTexts
}

// stackParameter is a parameter of a template. Its default is none of its value: whoever
// deploys the template decides.
type stackParameter struct{ Type string }

// fromStore begins the types of parameters whose value stands in the Parameter Store.
const fromStore = "AWS::SSM::Parameter::Value"

// readStack reads the policies of a template, as far as their texts are certain before
// it is deployed.
func readStack(kind policy.Kind, in policyInput) (fileTexts, error) {
	var out struct {
		Resources map[string]json.RawMessage
		Mappings  map[string]any
		Transform any
		Globals   map[string]any

		Parameters map[string]stackParameter
		Conditions map[string]any
	}
	b, err := json.Marshal(in.template())
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return fileTexts{}, fmt.Errorf("%s: %w", in.path, err)
	}
	r := &stackReader{in: in, kind: kind, resources: make(map[string]stackResource), mappings: out.Mappings,
		parameters: out.Parameters, conditions: out.Conditions}
	r.texts.parameters = append(slices.Sorted(maps.Keys(out.Parameters)), stackPseudo...)
	for id, raw := range out.Resources {
		var res stackResource
		if json.Unmarshal(raw, &res) != nil || res.Type == "" {
			r.unread("", safetext.Line(id)+" is not a resource with properties, and is not read")
			continue
		}
		r.resources[id] = res
	}
	for _, name := range slices.Sorted(maps.Keys(out.Globals)) {
		all, _ := out.Globals[name].(map[string]any)
		if all["Policies"] != nil || all["PermissionsBoundary"] != nil {
			r.unread("", safetext.Line(name)+" of Globals has policies for every role, which are not read")
		}
	}
	for _, t := range leaves(out.Transform, nil) {
		if name, _ := t.(string); name != "AWS::Serverless-2016-10-31" && name != "AWS::LanguageExtensions" {
			r.unread("", "the template is changed by a transform, which is not run")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		r.resource(id, r.resources[id])
	}
	if len(r.texts.documents) == 0 && len(r.texts.unread) == 0 {
		but := ""
		if len(r.texts.leftOut) > 0 {
			but = "; left out: " + strings.Join(r.texts.leftOut, ", ")
		}
		return fileTexts{}, fmt.Errorf("%s: no %s policy in this template%s", in.path, kind, but)
	}
	return r.texts, nil
}

// resource takes what one resource says. One whose condition is known not to hold is not
// made.
func (r *stackReader) resource(id string, res stackResource) {
	if holds, unknown := r.holds(res.Condition); res.Condition != "" && len(unknown) == 0 {
		if !holds {
			return
		}
		res.Condition = ""
	}
	identity := r.kind == policy.Identity
	shown, node := cmp.Or(safetext.Line(id), "resource without an id"), r.node(id)
	serverless := strings.HasPrefix(res.Type, "AWS::Serverless::")
	if serverless {
		node = id + "Role" // which SAM makes
	}
	documents, unread := len(r.texts.documents), len(r.texts.unread)
	holds := false
	for _, place := range stackPlaces {
		if place.resource != res.Type {
			continue
		}
		holds = true
		if !slices.Contains(place.kinds, r.kind) || r.otherType(res) {
			if identity && res.Properties[place.path[0]] != nil {
				r.texts.leftOut = append(r.texts.leftOut, shown)
			}
			continue
		}
		for i, v := range r.elements(node, shown, res.Properties[place.path[0]], len(place.path) > 1) {
			name := shown
			if len(place.path) > 1 {
				m, _ := v.(map[string]any)
				name, v = fmt.Sprintf("%s/%d", shown, i+1), m[place.path[1]]
				if is, ok := m["PolicyName"].(string); ok {
					name = shown + "/" + safetext.Line(is)
				}
			}
			r.document(node, name, v, res)
		}
	}
	switch {
	case res.Type == "AWS::CloudFormation::Stack", res.Type == "AWS::Serverless::Application", strings.HasSuffix(res.Type, "::MODULE"):
		r.unread("", shown+" has a template of its own, which is not read")
	case identity && serverless && res.Properties["Role"] == nil:
		r.serverless(node, shown, res)
	case !holds && (res.Properties["PolicyDocument"] != nil || res.Properties["KeyPolicy"] != nil):
		r.texts.leftOut = append(r.texts.leftOut, shown)
	}
	if res.Properties["AssumeRolePolicyDocument"] != nil {
		r.texts.leftOut = append(r.texts.leftOut, shown+" (AssumeRolePolicyDocument)")
	}
	if identity {
		r.owners(id, res)
		r.bounded(node, shown, res)
	}
	if res.Condition != "" && (len(r.texts.documents) > documents || len(r.texts.unread) > unread) {
		r.texts.documents = r.texts.documents[:documents] // a Deny in them may not be there
		r.unread(node, fmt.Sprintf("%s is made only under the condition %s", shown, safetext.Line(res.Condition)))
	}
}

// otherType reports whether an organization's policy is of a kind that does not matter.
func (r *stackReader) otherType(res stackResource) bool {
	is, ok := res.Properties["Type"].(string)
	want := map[policy.Kind]string{policy.SCP: "SERVICE_CONTROL_POLICY", policy.RCP: "RESOURCE_CONTROL_POLICY"}[r.kind]
	return res.Type == "AWS::Organizations::Policy" && ok && is != want
}

// elements returns the elements of a list, or the one thing that a property is.
// Where a function makes the list, it is not known.
func (r *stackReader) elements(node, shown string, v any, list bool) []any {
	if v == nil {
		return nil
	}
	if !list {
		return []any{v}
	}
	all, ok := v.([]any)
	if !ok {
		r.unread(node, fmt.Sprintf("%s turns on %s", shown, r.names(r.unknownIn(v))))
	}
	return all
}

// serverless takes the policies of a function's or state machine's own role.
func (r *stackReader) serverless(node, shown string, res stackResource) {
	policies := res.Properties["Policies"]
	if policies == nil {
		return
	}
	r.texts.owners.generate(node)
	list, ok := policies.([]any)
	if !ok {
		list = []any{policies}
	}
	for i, p := range list {
		name := fmt.Sprintf("%s/%d", shown, i+1)
		if m, ok := p.(map[string]any); ok && m["Statement"] != nil {
			r.document(node, name, p, res)
			continue
		}
		r.unread(node, name+" is one of SAM's own or of AWS, whose text is not in this file")
	}
}

// document takes a policy. Statements about other things than sessions need not be known.
func (r *stackReader) document(node, name string, v any, res stackResource) {
	if text, ok := v.(string); ok { // a permission set may hold it as text
		if json.Unmarshal([]byte(text), &v) != nil {
			r.unread(node, name+" is no policy")
			return
		}
	}
	m, ok := v.(map[string]any)
	if !ok || m["Statement"] == nil {
		r.unread(node, fmt.Sprintf("%s turns on %s", name, r.names(r.unknownIn(v))))
		return
	}
	statements, ok := m["Statement"].([]any)
	if !ok {
		statements = []any{m["Statement"]}
	}
	var kept []any
	var numbers []int
	for i, s := range statements {
		plain, unknown := r.resolve(s, res)
		if plain == nil && len(unknown) == 0 { // AWS::NoValue
			continue
		}
		if len(unknown) == 0 {
			kept, numbers = append(kept, plain), append(numbers, i)
		} else if r.matters(s, res) {
			r.unread(node, fmt.Sprintf("%s, statement %d turns on %s", name, i+1, r.names(unknown)))
		}
	}
	if kept == nil { // none is about sessions
		r.texts.documents = append(r.texts.documents, policyText{name: name, node: node})
		return
	}
	text := map[string]any{"Statement": kept}
	if version := m["Version"]; version != nil {
		text["Version"] = version
	}
	b, err := json.Marshal(text)
	if err != nil {
		r.unread(node, name+" is no policy")
		return
	}
	doc, err := policy.Parse(r.kind, r.in.path+": "+name, b)
	if err != nil {
		r.texts.unread = append(r.texts.unread, unreadPolicy{kind: r.kind, why: "no policy: " + strings.TrimPrefix(err.Error(), r.in.path+": "), node: node, fault: err})
		return
	}
	for i := range doc.Statements {
		doc.Statements[i].At.Index, doc.Statements[i].At.Line = numbers[i], 0
	}
	r.texts.documents = append(r.texts.documents, policyText{name: name, node: node, statements: doc.Statements})
}

// matters reports whether a statement may be about a session: its actions are not
// certain, or among those that are asked.
func (r *stackReader) matters(statement any, res stackResource) bool {
	m, _ := statement.(map[string]any)
	actions, unknown := r.resolve(m["Action"], res)
	if m["Action"] == nil || len(unknown) > 0 {
		return true
	}
	return slices.ContainsFunc(leaves(actions, nil), func(v any) bool {
		text, ok := v.(string)
		return !ok || slices.ContainsFunc(sessionActions, func(asked string) bool {
			same, err := path.Match(strings.ToLower(text), strings.ToLower(asked))
			return same || err != nil
		})
	})
}

// owners notes who has what a resource brings, and what a principal has.
func (r *stackReader) owners(id string, res stackResource) {
	node := r.node(id)
	if is, ok := stackPrincipals[res.Type]; ok {
		if strings.HasPrefix(node, is.kind+"/") {
			r.texts.owners.declare(node)
		} else if res.Properties[is.name] == nil && is.kind != "permission set" {
			r.texts.owners.generate(node)
		}
	}
	for _, t := range stackTies {
		if t.resource != res.Type || res.Properties[t.property] == nil {
			continue
		}
		names, ok := res.Properties[t.property].([]any)
		if !ok {
			names = []any{res.Properties[t.property]}
		}
		for _, v := range names {
			r.tie(node, id, t.kind, t.has, v, res)
		}
	}
	if res.Properties["CustomerManagedPolicyReferences"] != nil {
		r.unread(node, safetext.Line(id)+" has policies by their names, whose text is not in this file")
	}
}

// bounded notes the permissions boundary of a principal, and which policy of the template it
// is if that is certain.
func (r *stackReader) bounded(node, shown string, res stackResource) {
	plain, unknown := r.resolve(res.Properties["PermissionsBoundary"], res)
	if res.Type == "AWS::SSO::PermissionSet" {
		reference, _ := plain.(map[string]any)
		plain = reference["CustomerManagedPolicyReference"]
		if named, ok := plain.(map[string]any); ok {
			plain = named["Name"]
		}
	}
	held := r.referred(res.Properties["PermissionsBoundary"])
	if name, _ := plain.(string); held == "" && name != "" && len(unknown) == 0 && guard.ArnField(name, guard.FieldAccount) != "aws" {
		held = r.managed(name[strings.LastIndexByte(name, '/')+1:])
	}
	if res.Properties["PermissionsBoundary"] != nil && (plain != nil || len(unknown) > 0 || held != "" || res.Type == "AWS::SSO::PermissionSet") {
		r.texts.unread = append(r.texts.unread, unreadBoundary(shown, node, held))
	}
}

// managed returns the node of the template's managed policy of a name, "" if there is none,
// or several.
func (r *stackReader) managed(name string) string {
	var found []string
	for id, res := range r.resources {
		if is, unknown := r.resolve(res.Properties["ManagedPolicyName"], res); res.Type == "AWS::IAM::ManagedPolicy" && is == name && len(unknown) == 0 {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// tie adds to the graph of owners what one name says.
func (r *stackReader) tie(node, id, kind string, has bool, v any, res stackResource) {
	other, sure := r.referred(v), true
	if other == "" {
		plain, unknown := r.resolve(v, res)
		name, _ := plain.(string)
		switch {
		case plain == nil && len(unknown) == 0: // AWS::NoValue
			return
		case len(unknown) > 0 && has:
			r.unread(node, fmt.Sprintf("%s has a policy that turns on %s", safetext.Line(id), r.names(unknown)))
			return
		case len(unknown) > 0:
			sure = false
		case kind != "":
			other = kind + "/" + name
		default:
			r.unread(node, fmt.Sprintf("%s has %s, whose text is not in this file", safetext.Line(id), safetext.Line(name)))
			return
		}
	}
	if has {
		r.texts.owners.tie(node, other, sure)
	} else {
		r.texts.owners.tie(other, node, sure)
	}
}

// referred returns the node of the resource that a Ref or Fn::GetAtt is about, "" if
// it is none.
func (r *stackReader) referred(v any) string {
	m, _ := v.(map[string]any)
	id, _ := m["Ref"].(string)
	switch at := m["Fn::GetAtt"].(type) {
	case string:
		id, _, _ = strings.Cut(at, ".")
	case []any:
		if len(at) > 0 {
			id, _ = at[0].(string)
		}
	}
	if _, ok := r.resources[id]; ok && len(m) == 1 {
		return r.node(id)
	}
	return ""
}

// node returns what a resource is in the graph of owners: a principal's kind and name
// if the name is certain, else the logical ID.
func (r *stackReader) node(id string) string {
	res := r.resources[id]
	is, ok := stackPrincipals[res.Type]
	if !ok {
		return id
	}
	plain, unknown := r.resolve(res.Properties[is.name], res)
	if name, _ := plain.(string); name != "" && len(unknown) == 0 {
		return is.kind + "/" + name
	}
	return id
}

// names lists what something turns on, and says how the parameters among it are stated.
func (r *stackReader) names(unknown []string) string {
	text := strings.Join(unknown, ", ")
	var options []string
	for _, name := range unknown {
		if guard.Made(name, ":") && slices.Contains(r.texts.parameters, name) && !strings.HasPrefix(r.parameters[name].Type, fromStore) {
			options = append(options, "--template-parameter "+name+"=VALUE")
		}
	}
	if len(options) > 0 {
		text += "; state what it will be: " + strings.Join(options, " ")
	}
	return text
}

func (r *stackReader) unread(node, why string) {
	r.texts.unread = append(r.texts.unread, unreadPolicy{kind: r.kind, why: why, node: node})
}
