package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// terraformOutput is what is read of `terraform show -json`: a state, or a plan
// with what it will bring and what it has read already.
type terraformOutput struct {
	FormatVersion string          `json:"format_version"`
	Values        terraformValues `json:"values"`
	PlannedValues terraformValues `json:"planned_values"`
	PriorState    struct {
		Values terraformValues `json:"values"`
	} `json:"prior_state"`
	Changes  []terraformResource `json:"resource_changes"`
	Deferred []struct {
		Change terraformResource `json:"resource_change"`
	} `json:"deferred_changes"`
	Configuration struct {
		Root terraformConfig `json:"root_module"`
	} `json:"configuration"`
	Errored  bool       `json:"errored"`
	Relevant []struct { // what other resources refer to, from within dynamic blocks too
		Resource  string `json:"resource"`
		Attribute []any  `json:"attribute"`
	} `json:"relevant_attributes"`
}

type terraformValues struct {
	Root terraformModule `json:"root_module"`
}

type terraformModule struct {
	Resources []terraformResource `json:"resources"`
	Children  []terraformModule   `json:"child_modules"`
}

type terraformResource struct {
	Address  string         `json:"address"`
	Previous string         `json:"previous_address"`
	Mode     string         `json:"mode"`
	Type     string         `json:"type"`
	Values   map[string]any `json:"values"`
	Change   struct {
		Actions []string       `json:"actions"`
		Before  map[string]any `json:"before"`
		After   map[string]any `json:"after"`
		Unknown any            `json:"after_unknown"` // shaped like After, with true for what is known only after apply
	} `json:"change"`
}

// terraformConfig is a module as it is written, its resources named without the
// module and without an index.
type terraformConfig struct {
	Resources []terraformWritten `json:"resources"`
	Calls     map[string]struct {
		Expressions map[string]any  `json:"expressions"`
		Module      terraformConfig `json:"module"`
	} `json:"module_calls"`
	Outputs map[string]struct {
		Expression map[string]any `json:"expression"`
	} `json:"outputs"`
}

// terraformWritten is a resource as it is written.
type terraformWritten struct {
	Address     string         `json:"address"`
	Type        string         `json:"type"`
	Expressions map[string]any `json:"expressions"`
	ForEach     map[string]any `json:"for_each_expression"`
}

// terraformPlaces lists where resources hold the texts of policies, and what kinds
// of policy these may be.
var terraformPlaces = []struct {
	resource string
	path     []string // an attribute, or a block and its attribute
	kinds    []policy.Kind
	optional bool // a resource without it has no such policy
}{
	{"aws_iam_policy_document", []string{"json"}, []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint}, false},
	{"aws_iam_policy", []string{"policy"}, []policy.Kind{policy.Identity, policy.Boundary, policy.Session}, false},
	{"aws_iam_role_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_user_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_group_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_role", []string{"inline_policy", "policy"}, []policy.Kind{policy.Identity}, true},
	{"aws_ssoadmin_permission_set_inline_policy", []string{"inline_policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_organizations_policy", []string{"content"}, []policy.Kind{policy.SCP, policy.RCP}, false},
	{"aws_vpc_endpoint_policy", []string{"policy"}, []policy.Kind{policy.Endpoint}, false},
	{"aws_vpc_endpoint", []string{"policy"}, []policy.Kind{policy.Endpoint}, true},
}

// terraformMaker says which attribute of which resources has the name by which
// others speak of them, and how a name that nothing in the file has is told.
type terraformMaker struct {
	resources []string
	name      string
	elsewhere string
	principal string // what its names are of in the graph of owners: role, user, group; "" for others
}

var (
	makesManaged = terraformMaker{[]string{"aws_iam_policy"}, "arn", "attaches %s, whose text is not in this file", ""}
	makesNamed   = terraformMaker{[]string{"aws_iam_policy"}, "name", makesManaged.elsewhere, ""}
	makesInline  = terraformMaker{[]string{"aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"}, "name", makesManaged.elsewhere, ""}
	makesGroup   = terraformMaker{[]string{"aws_iam_group"}, "name", "puts users into the group %s, whose policies are not in this file", "group"}
	makesRole    = terraformMaker{[]string{"aws_iam_role"}, "name", "", "role"}
	makesUser    = terraformMaker{[]string{"aws_iam_user"}, "name", "", "user"}
	makesSet     = terraformMaker{[]string{"aws_ssoadmin_permission_set"}, "arn", "", ""}
)

// terraformPrincipals are the resources that are principals, with what their nodes in
// the graph of owners are called before the name.
var terraformPrincipals = map[string]string{
	"aws_iam_role": "role", "aws_iam_user": "user", "aws_iam_group": "group", "aws_ssoadmin_permission_set": "permission set",
}

// terraformHolders lists which attributes of resources name the principals that have
// what the resource brings.
var terraformHolders = []struct {
	resource  string
	attribute string
	maker     terraformMaker
}{
	{"aws_iam_role_policy", "role", makesRole},
	{"aws_iam_user_policy", "user", makesUser},
	{"aws_iam_group_policy", "group", makesGroup},
	{"aws_iam_role_policy_attachment", "role", makesRole},
	{"aws_iam_user_policy_attachment", "user", makesUser},
	{"aws_iam_group_policy_attachment", "group", makesGroup},
	{"aws_iam_policy_attachment", "roles", makesRole},
	{"aws_iam_policy_attachment", "users", makesUser},
	{"aws_iam_policy_attachment", "groups", makesGroup},
	{"aws_iam_role_policy_attachments_exclusive", "role_name", makesRole},
	{"aws_iam_user_policy_attachments_exclusive", "user_name", makesUser},
	{"aws_iam_group_policy_attachments_exclusive", "group_name", makesGroup},
	{"aws_iam_role_policies_exclusive", "role_name", makesRole},
	{"aws_iam_user_policies_exclusive", "user_name", makesUser},
	{"aws_iam_group_policies_exclusive", "group_name", makesGroup},
	{"aws_iam_user_group_membership", "user", makesUser},
	{"aws_iam_group_membership", "users", makesUser},
	{"aws_ssoadmin_permission_set_inline_policy", "permission_set_arn", makesSet},
	{"aws_ssoadmin_managed_policy_attachment", "permission_set_arn", makesSet},
	{"aws_ssoadmin_customer_managed_policy_attachment", "permission_set_arn", makesSet},
	{"aws_ssoadmin_permissions_boundary_attachment", "permission_set_arn", makesSet},
}

// terraformAttachments lists where resources give a principal policies that stand
// elsewhere, by an ARN, or by a name that is looked up in each account.
var terraformAttachments = []struct {
	resource string
	path     []string
	maker    terraformMaker
}{
	{"aws_iam_role_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_user_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_group_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_role_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_user_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_group_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_role_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_user_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_group_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_role", []string{"managed_policy_arns"}, makesManaged},
	{"aws_iam_user_group_membership", []string{"groups"}, makesGroup},
	{"aws_iam_group_membership", []string{"group"}, makesGroup},
	{"aws_ssoadmin_managed_policy_attachment", []string{"managed_policy_arn"}, makesManaged},
	{"aws_ssoadmin_customer_managed_policy_attachment", []string{"customer_managed_policy_reference", "name"}, makesNamed},
}

// terraformBounded lists which attributes of resources give a principal a permissions
// boundary.
var terraformBounded = []struct {
	resource string
	path     []string
	maker    terraformMaker
}{
	{"aws_iam_role", []string{"permissions_boundary"}, makesManaged},
	{"aws_iam_user", []string{"permissions_boundary"}, makesManaged},
	{"aws_ssoadmin_permissions_boundary_attachment", []string{"permissions_boundary", "managed_policy_arn"}, makesManaged},
	{"aws_ssoadmin_permissions_boundary_attachment", []string{"permissions_boundary", "customer_managed_policy_reference", "name"}, makesNamed},
}

// terraformUnread are the resources of another provider whose identity policies
// are not read.
var terraformUnread = []string{
	"awscc_iam_role", "awscc_iam_user", "awscc_iam_group", "awscc_iam_managed_policy",
	"awscc_iam_role_policy", "awscc_iam_user_policy", "awscc_iam_group_policy", "awscc_sso_permission_set",
}

func isTerraform(in policyInput) bool {
	var version string
	return json.Unmarshal(in.top["format_version"], &version) == nil && version != ""
}

// isTerraformInternal reports whether a file is one that Terraform reads or keeps:
// its language, a plan, or a state.
func isTerraformInternal(in policyInput) bool {
	switch {
	case filepath.Ext(in.path) == ".tf", strings.HasSuffix(in.path, ".tf.json"):
		return true
	case bytes.HasPrefix(in.text, []byte("PK\x03\x04")): // a saved plan is a zip archive
		return true
	}
	var version string
	return json.Unmarshal(in.top["terraform_version"], &version) == nil && version != ""
}

func refuseTerraform(_ policy.Kind, in policyInput) (policyTexts, error) {
	return policyTexts{}, fmt.Errorf("%s: Terraform's own files are not read; give what \"terraform show -json\" prints of the plan or state", in.path)
}

// terraformReader collects the policies of one kind.
type terraformReader struct {
	path      string
	kind      policy.Kind
	config    terraformConfig
	resources []terraformResource
	hidden    bool           // a dynamic block may turn on what is known only after apply
	seen      map[string]int // the index of a document by its text as canonical JSON, -1 if it is none
	in        policyTexts
}

// readTerraform reads the policies of one kind in the output of `terraform show
// -json`. Nothing of it is an error but an output without any.
func readTerraform(kind policy.Kind, in policyInput) (policyTexts, error) {
	var out terraformOutput
	if err := json.Unmarshal(in.text, &out); err != nil {
		return policyTexts{}, fmt.Errorf("%s: %w", in.path, err)
	}
	r := &terraformReader{path: in.path, kind: kind, config: out.Configuration.Root, resources: out.resources(), seen: make(map[string]int)}
	r.hidden = r.hiddenReferences(out)
	for _, res := range r.resources {
		r.texts(res)
		if kind == policy.Identity {
			r.bounded(res)
			r.holders(res)
			r.attached(res)
		}
	}
	if out.Errored {
		r.unread("", "the plan ended with an error and is not whole")
	}
	if len(r.in.documents) == 0 && !slices.ContainsFunc(r.in.unread, func(u unreadPolicy) bool { return u.kind == kind }) {
		but := ""
		if len(r.in.leftOut) > 0 {
			but = "; left out: " + strings.Join(r.in.leftOut, ", ")
		}
		return policyTexts{}, fmt.Errorf("%s: no %s policy in this terraform output%s", in.path, kind, but)
	}
	return r.in, nil
}

// resources returns each resource once, as it will be: with the planned values, and
// with what is not known of them. The prior state counts where the plan says nothing
// of a resource, as with -target and -refresh-only. A resource that Terraform forgets
// stays as it is.
func (out *terraformOutput) resources() []terraformResource {
	changes := make(map[string]terraformResource)
	planned := make(map[string]bool)
	for _, c := range out.Changes {
		planned[c.Address], planned[c.Previous] = true, true
		if c.Change.After != nil || c.Change.Unknown == true {
			changes[c.Address] = c
		}
	}
	var list []terraformResource
	known := make(map[string]bool)
	add := func(r terraformResource) {
		if known[r.Address] {
			return
		}
		known[r.Address] = true
		if c, ok := changes[r.Address]; ok {
			r.Change = c.Change
		}
		r.Address = safetext.Line(r.Address)
		list = append(list, r)
	}
	for _, r := range slices.Concat(out.Values.Root.all(), out.PlannedValues.Root.all()) {
		add(r)
	}
	for _, r := range out.PriorState.Values.Root.all() {
		if !planned[r.Address] {
			add(r)
		}
	}
	for _, c := range out.Changes {
		if slices.Contains(c.Change.Actions, "forget") {
			add(terraformResource{Address: c.Address + " (forgotten)", Mode: c.Mode, Type: c.Type, Values: c.Change.Before})
		}
		if len(c.Change.Actions) != 1 || c.Change.Actions[0] != "delete" && c.Change.Actions[0] != "forget" {
			c.Values = c.Change.After
			add(c)
		}
	}
	for _, d := range out.Deferred {
		d.Change.Values, d.Change.Change.Unknown = nil, true
		add(d.Change)
	}
	// Documents come first: a policy made of one is then named by it.
	slices.SortStableFunc(list, func(a, b terraformResource) int { return strings.Compare(a.Mode, b.Mode) })
	return list
}

// all returns the resources of a module and of those below it.
func (m terraformModule) all() []terraformResource {
	resources := slices.Clone(m.Resources)
	for _, child := range m.Children {
		resources = append(resources, child.all()...)
	}
	return resources
}

// texts takes the policies that a resource holds.
func (r *terraformReader) texts(res terraformResource) {
	if slices.Contains(terraformUnread, res.Type) && r.kind == policy.Identity {
		r.unread("", res.Address+" is of a type that is not read")
		return
	}
	holds := false
	for _, place := range terraformPlaces {
		if place.resource != res.Type {
			continue
		}
		holds = true
		other := !slices.Contains(place.kinds, r.kind)
		if r.otherType(res) || other && r.kind != policy.Identity {
			continue
		}
		found := false
		for _, v := range leaves(res.Values, place.path) {
			if text, _ := v.(string); text != "" {
				found = true
				if !other {
					r.text(res, text)
				}
			}
		}
		switch {
		case other:
			if found || r.pending(res, place.path) {
				r.in.leftOut = append(r.in.leftOut, res.Address) // it may bound the caller
			}
		case r.pending(res, place.path) && len(place.path) > 1 && !r.written(res, place.path[0]):
			r.unread(res.node(), res.Address+" may have policies in a dynamic block that are known only after apply")
		case r.pending(res, place.path), res.Mode == "data" && !found:
			r.later(res)
		case !found && !place.optional:
			r.unread(res.node(), res.Address+" holds no policy here")
		}
	}
	capabilities := leaves(res.Values, []string{"capabilities"})
	if r.kind == policy.Identity && (slices.ContainsFunc(capabilities, func(v any) bool { return v == "CAPABILITY_IAM" || v == "CAPABILITY_NAMED_IAM" })) {
		r.unread("", res.Address+" has a template with IAM resources, which is not read")
	}
	if text, _ := res.Values["assume_role_policy"].(string); text != "" {
		r.in.leftOut = append(r.in.leftOut, res.Address+" (assume_role_policy)")
	}
	if text, _ := res.Values["policy"].(string); !holds && hasPrincipal(text) {
		r.in.leftOut = append(r.in.leftOut, res.Address)
	}
}

// otherType reports whether an organization's policy is of a kind that does not
// matter, such as the one about tags.
func (r *terraformReader) otherType(res terraformResource) bool {
	const scp, rcp = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
	is, ok := res.Values["type"].(string)
	matter := map[policy.Kind][]string{policy.SCP: {scp}, policy.RCP: {rcp}, policy.Identity: {scp, rcp}}[r.kind]
	return res.Type == "aws_organizations_policy" && ok && !slices.Contains(matter, is)
}

// text takes a policy unless it is of another kind. A data source and the resource
// that uses it hold the same.
func (r *terraformReader) text(res terraformResource, text string) {
	if hasPrincipal(text) != r.namesPrincipals() {
		r.in.leftOut = append(r.in.leftOut, res.Address)
		return
	}
	canonical := text
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		b, _ := json.Marshal(v)
		canonical = string(b)
	}
	before, again := r.seen[canonical]
	if again && before < 0 {
		return
	}
	if !again {
		r.seen[canonical] = -1
	}
	if m, ok := v.(map[string]any); ok && res.Mode == "data" && !slices.ContainsFunc(slices.Collect(maps.Keys(m)), isStatement) {
		return // a document to build others on
	}
	doc, err := policy.Parse(r.kind, r.path+": "+res.Address, []byte(text))
	if err != nil {
		fault := strings.TrimPrefix(err.Error(), r.path+": ")
		r.unread(res.node(), "no policy: "+fault)
		return
	}
	if !again {
		r.seen[canonical] = len(r.in.documents)
	} else {
		r.in.documents[before].used = true
	}
	r.in.documents = append(r.in.documents, policyText{name: res.Address, node: res.node(), again: again, statements: doc.Statements})
}

// later notes a policy that is known only after apply. A document whose
// configuration names principals will not be the caller's.
func (r *terraformReader) later(res terraformResource) {
	if written, ok := r.config.find(res.Address); ok && res.Type == "aws_iam_policy_document" {
		statements := written.Expressions["statement"]
		who := slices.Concat(leaves(statements, []string{"principals"}), leaves(statements, []string{"not_principals"}))
		if len(who) > 0 && !r.namesPrincipals() {
			r.in.leftOut = append(r.in.leftOut, res.Address)
			return
		}
	}
	r.unread(res.node(), res.Address+" is known only after apply")
}

// pending reports whether something at a path is known only after apply. An
// attribute that is wholly unknown and stands nowhere in the configuration is
// what the provider fills in: nothing, of a new role. But a dynamic block over a set
// that is not known looks the same, and stands in no configuration either.
func (r *terraformReader) pending(res terraformResource, path []string) bool {
	unknown := leaves(res.Change.Unknown, path)
	if !slices.ContainsFunc(unknown, func(v any) bool { return v == true }) {
		return false
	}
	return r.written(res, path[0]) || len(path) > 1 && r.hidden
}

// written reports whether the plan shows that an attribute that is not known was
// written, or a part of it; without a configuration, it may have been.
func (r *terraformReader) written(res terraformResource, attribute string) bool {
	whole, _ := res.Change.Unknown.(map[string]any)
	written, found := r.config.find(res.Address)
	_, set := written.Expressions[attribute]
	return whole[attribute] != true || !found || set
}

// attached notes which policies a resource gives a principal, and which of them are
// not in the file. A name that is not known yet is one of what the plan makes.
func (r *terraformReader) attached(res terraformResource) {
	for _, a := range terraformAttachments {
		if a.resource != res.Type {
			continue
		}
		for _, v := range leaves(res.Values, a.path) {
			name, _ := v.(string)
			made := r.made(a.maker, name)
			for _, m := range made {
				r.in.owners.tie(res.node(), m.node(), true)
			}
			if name != "" && len(made) == 0 {
				r.unread(res.node(), res.Address+" "+fmt.Sprintf(a.maker.elsewhere, safetext.Line(name)))
			}
		}
		if !r.pending(res, a.path) {
			continue
		}
		referred, sure := r.referred(res, a.path, a.maker)
		for _, m := range referred {
			r.in.owners.tie(res.node(), m.node(), sure)
		}
		if len(referred) == 0 {
			r.unread(res.node(), res.Address+" attaches a policy that is known only after apply")
		}
	}
}

// holders notes who has what a resource brings.
func (r *terraformReader) holders(res terraformResource) {
	if kind, ok := terraformPrincipals[res.Type]; ok && res.Mode != "data" && strings.HasPrefix(res.node(), kind+"/") {
		r.in.owners.declare(res.node())
	}
	for _, h := range terraformHolders {
		if h.resource != res.Type {
			continue
		}
		path := []string{h.attribute}
		for _, v := range leaves(res.Values, path) {
			name, _ := v.(string)
			made := r.made(h.maker, name)
			for _, m := range made {
				r.in.owners.tie(m.node(), res.Address, true)
			}
			if name != "" && len(made) == 0 && h.maker.principal != "" {
				r.in.owners.tie(h.maker.principal+"/"+name, res.Address, true)
			}
		}
		if !r.pending(res, path) {
			continue
		}
		referred, sure := r.referred(res, path, h.maker)
		for _, m := range referred {
			r.in.owners.tie(m.node(), res.Address, sure)
		}
		if !sure {
			r.in.owners.tie("", res.Address, false)
		}
	}
}

// node returns what a resource is in the graph of owners: a principal's kind and name
// if the name is known, else the address.
func (res terraformResource) node() string {
	name, _ := res.Values["name"].(string)
	if kind, ok := terraformPrincipals[res.Type]; ok && name != "" {
		return kind + "/" + name
	}
	return res.Address
}

// made returns the resources that have a name.
func (r *terraformReader) made(m terraformMaker, name string) (list []terraformResource) {
	for _, res := range r.resources {
		if is, _ := res.Values[m.name].(string); name != "" && is == name && slices.Contains(m.resources, res.Type) {
			list = append(list, res)
		}
	}
	return list
}

// referred returns the resources that an attribute whose value is not known may
// speak of: those that its expression refers to, or all whose name is not known. It is
// sure if the expression refers to one alone.
func (r *terraformReader) referred(res terraformResource, path []string, m terraformMaker) (list []terraformResource, sure bool) {
	written, _ := r.config.find(res.Address)
	references := terraformReferences(leaves(written.Expressions[path[0]], path[1:]))
	if slices.Contains(references, "each.value") {
		references = append(references, terraformReferences([]any{written.ForEach})...)
	}
	inside, _, index := splitAddress(res.Address)
	indexed := slices.ContainsFunc(references, isTerraformIndex)
	expanded, open := r.expand(inside, references, 0)
	open = open || len(references) == 0
	for _, ref := range expanded {
		matched := false
		for _, other := range r.resources {
			module, local, at := splitAddress(other.Address)
			if !slices.Contains(m.resources, other.Type) || module != ref.module && withoutIndices(module) != ref.module {
				continue
			}
			is := ref.name == local || strings.HasPrefix(ref.name, local+".") || strings.HasPrefix(ref.name, local+"[")
			matched = matched || is
			narrower := slices.ContainsFunc(expanded, func(s terraformReference) bool {
				return s.module == ref.module && strings.HasPrefix(s.name, ref.name+"[")
			})
			if ref.name == local+at || ref.name == local && !narrower && (!indexed || at == index || at == "") {
				list = append(list, other)
			}
		}
		open = open || !matched
	}
	if open {
		for _, other := range r.resources {
			if name, _ := other.Values[m.name].(string); name == "" && other.Mode == "managed" && slices.Contains(m.resources, other.Type) {
				list = append(list, other)
			}
		}
	}
	slices.SortFunc(list, func(a, b terraformResource) int { return strings.Compare(a.Address, b.Address) })
	list = slices.CompactFunc(list, func(a, b terraformResource) bool { return a.Address == b.Address })
	return list, len(list) == 1 && !open
}

// terraformReference is a resource, or an attribute of one, that an expression refers
// to from within a module.
type terraformReference struct{ module, name string }

// expand replaces the variables and outputs of modules by what their expressions refer
// to. Open reports whether something else is referred to, such as a local value.
func (r *terraformReader) expand(module string, references []string, depth int) (list []terraformReference, open bool) {
	const deepest = 20
	for _, ref := range references {
		inside, output, _ := splitAddress(ref)
		variable, isVariable := strings.CutPrefix(ref, "var.")
		isResource := !isVariable && inside == "" && !strings.HasPrefix(ref, "local.")
		var below []string
		from := module
		switch {
		case isTerraformIndex(ref):
			open = open || depth > 0
			continue
		case isResource:
			list = append(list, terraformReference{module, ref})
			continue
		case isVariable && module != "":
			outer, name := lastModule(module)
			from = outer
			variable, _, _ = strings.Cut(strings.ReplaceAll(variable, "[", "."), ".")
			below = everyReference(r.config.at(outer).Calls[name].Expressions[variable])
		case inside != "" && output == "": // the module of another reference of the list
			open = open || !slices.ContainsFunc(references, func(s string) bool { return strings.HasPrefix(s, ref+".") || strings.HasPrefix(s, ref+"[") })
			continue
		case inside != "":
			from = module + inside
			output, _, _ = strings.Cut(output, ".")
			below = everyReference(r.config.at(from).Outputs[output].Expression)
		}
		if len(below) == 0 || depth == deepest {
			open = true
			continue
		}
		more, moreOpen := r.expand(from, below, depth+1)
		list, open = append(list, more...), open || moreOpen
	}
	return list, open
}

// isTerraformIndex reports whether a reference is to the index of the instance.
func isTerraformIndex(ref string) bool {
	return ref == "each" || strings.HasPrefix(ref, "each.") || ref == "count.index"
}

// at returns what is written of a module, "" for the root.
func (c terraformConfig) at(module string) terraformConfig {
	module = withoutIndices(module)
	for module != "" {
		name, below, _ := strings.Cut(strings.TrimPrefix(module, "module."), ".")
		c, module = c.Calls[name].Module, below
	}
	return c
}

// lastModule splits module.a.module.b["x"]. into the outer module and the name b.
func lastModule(module string) (outer, name string) {
	rest := module
	for rest != "" {
		_, below, _ := strings.Cut(withoutIndices(strings.TrimPrefix(rest, "module.")), ".")
		if below == "" {
			break
		}
		rest = rest[strings.Index(rest, ".module.")+1:]
	}
	name, _, _ = strings.Cut(withoutIndices(strings.TrimPrefix(rest, "module.")), ".")
	return strings.TrimSuffix(module, rest), name
}

func withoutIndices(address string) string { return terraformIndex().ReplaceAllString(address, "") }

// terraformReferences returns what expressions refer to.
func terraformReferences(expressions []any) (list []string) {
	for _, e := range expressions {
		if m, ok := e.(map[string]any); ok {
			for _, ref := range leaves(m["references"], nil) {
				if s, ok := ref.(string); ok {
					list = append(list, s)
				}
			}
		}
	}
	return list
}

// hiddenReferences reports whether something that is known only after apply is
// referred to, but not by what is shown of the configuration: by a dynamic block, then,
// or by a local value. Policies and principals refer to each other, which is no
// such thing.
func (r *terraformReader) hiddenReferences(out terraformOutput) bool {
	seen := make(map[string]bool)
	r.config.visible("", seen)
	for _, rel := range out.Relevant {
		_, local, _ := splitAddress(rel.Resource)
		kind, _, _ := strings.Cut(strings.TrimPrefix(local, "data."), ".")
		if strings.HasPrefix(kind, "aws_iam_") || strings.HasPrefix(kind, "aws_ssoadmin_") {
			continue
		}
		plain := withoutIndices(rel.Resource)
		attribute := plain
		var path []string
		if len(rel.Attribute) > 0 {
			name, _ := rel.Attribute[0].(string)
			attribute, path = plain+"."+name, []string{name}
		}
		for _, c := range out.Changes {
			same := withoutIndices(c.Address) == plain
			if same && len(leaves(c.Change.Unknown, path)) > 0 && !seen[attribute] {
				return true
			}
		}
	}
	return false
}

// visible adds to seen what the resources of a module refer to, without indices.
func (c terraformConfig) visible(prefix string, seen map[string]bool) {
	for _, res := range c.Resources {
		for _, ref := range append(everyReference(res.Expressions), everyReference(res.ForEach)...) {
			seen[prefix+withoutIndices(ref)] = true
		}
	}
	for name, call := range c.Calls {
		call.Module.visible(prefix+"module."+name+".", seen)
	}
}

// everyReference returns the references at any depth of what is written.
func everyReference(v any) (list []string) {
	switch at := v.(type) {
	case []any:
		for _, e := range at {
			list = append(list, everyReference(e)...)
		}
	case map[string]any:
		list = terraformReferences([]any{at})
		for _, e := range at {
			list = append(list, everyReference(e)...)
		}
	}
	return list
}

// splitAddress splits module.a["x"].aws_iam_role.dev[0] into the module with its dot,
// the resource, and the index.
func splitAddress(address string) (module, local, index string) {
	rest := address
	for strings.HasPrefix(rest, "module.") {
		end := len("module.") + strings.IndexAny(rest[len("module."):]+".", ".[")
		if at := terraformIndex().FindStringIndex(rest[end:]); at != nil && at[0] == 0 {
			end += at[1]
		}
		rest = strings.TrimPrefix(rest[end:], ".")
	}
	local, _, _ = strings.Cut(rest, "[")
	return address[:len(address)-len(rest)], local, rest[len(local):]
}

// bounded notes the permissions boundary of a principal, and which policy of the file it is
// if that is certain.
func (r *terraformReader) bounded(res terraformResource) {
	var held []string
	has := false
	for _, b := range terraformBounded {
		if b.resource != res.Type {
			continue
		}
		for _, v := range leaves(res.Values, b.path) {
			name, _ := v.(string)
			has = has || name != ""
			for _, m := range r.made(b.maker, name) {
				held = append(held, m.node())
			}
		}
		if !r.pending(res, b.path) {
			continue
		}
		has = true
		for _, m := range r.surely(res, b.path, b.maker) {
			held = append(held, m.node())
		}
	}
	switch {
	case !has:
	case len(held) == 1:
		r.in.unread = append(r.in.unread, unreadBoundary(res.Address, res.node(), held[0]))
	default:
		r.in.unread = append(r.in.unread, unreadBoundary(res.Address, res.node(), ""))
	}
}

// surely is referred where what is referred to is certain.
func (r *terraformReader) surely(res terraformResource, path []string, m terraformMaker) []terraformResource {
	if list, sure := r.referred(res, path, m); sure {
		return list
	}
	return nil
}

func (r *terraformReader) unread(node, why string) {
	r.in.unread = append(r.in.unread, unreadPolicy{kind: r.kind, why: why, node: node})
}

// namesPrincipals reports whether policies of the kind that is read name
// principals, as those of resources do.
func (r *terraformReader) namesPrincipals() bool {
	return r.kind == policy.Endpoint || r.kind == policy.RCP
}

// hasPrincipal reports whether a policy says whom it is about: a trust policy, or
// one of a resource.
func hasPrincipal(text string) bool {
	var doc struct{ Statement any }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return false
	}
	return len(leaves(doc.Statement, []string{"Principal"}))+len(leaves(doc.Statement, []string{"NotPrincipal"})) > 0
}

func isStatement(element string) bool { return strings.EqualFold(element, "Statement") }

// leaves returns what stands at a path of attributes, through lists; a true on the
// way stands for all below it.
func leaves(v any, path []string) []any {
	switch at := v.(type) {
	case nil:
		return nil
	case []any:
		var all []any
		for _, e := range at {
			all = append(all, leaves(e, path)...)
		}
		return all
	case map[string]any:
		if len(path) > 0 {
			return leaves(at[path[0]], path[1:])
		}
	case bool:
		return []any{at}
	}
	if len(path) > 0 {
		return nil
	}
	return []any{v}
}

// terraformIndex is the index of an instance in an address.
var terraformIndex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`) })

// find returns what is written of a resource, which blocks included; a dynamic
// block is not among them.
func (c terraformConfig) find(address string) (written terraformWritten, ok bool) {
	address = withoutIndices(address)
	for {
		rest, inside := strings.CutPrefix(address, "module.")
		if !inside {
			break
		}
		name, below, _ := strings.Cut(rest, ".")
		c, address = c.Calls[name].Module, below
	}
	for _, r := range c.Resources {
		if r.Address == address {
			return r, true
		}
	}
	return terraformWritten{}, false
}
