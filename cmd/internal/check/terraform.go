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

	"ssmguard/cmd/internal/env"
	"ssmguard/guard/policy"
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
	Errored bool `json:"errored"`
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
	Resources []struct {
		Address     string         `json:"address"`
		Expressions map[string]any `json:"expressions"`
	} `json:"resources"`
	Calls map[string]struct {
		Module terraformConfig `json:"module"`
	} `json:"module_calls"`
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
}

var (
	makesManaged = terraformMaker{[]string{"aws_iam_policy"}, "arn", "attaches %s, whose text is not in this file"}
	makesInline  = terraformMaker{[]string{"aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"}, "name", makesManaged.elsewhere}
	makesGroup   = terraformMaker{[]string{"aws_iam_group"}, "name", "puts users into the group %s, whose policies are not in this file"}
)

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
	{"aws_ssoadmin_customer_managed_policy_attachment", []string{"customer_managed_policy_reference", "name"}, makesManaged},
}

// terraformBounded are the resources that may have a permissions boundary.
var terraformBounded = []string{"aws_iam_role", "aws_iam_user", "aws_ssoadmin_permissions_boundary_attachment"}

// terraformUnread are the resources of another provider whose identity policies
// are not read.
var terraformUnread = []string{
	"awscc_iam_role", "awscc_iam_user", "awscc_iam_group", "awscc_iam_managed_policy",
	"awscc_iam_role_policy", "awscc_iam_user_policy", "awscc_iam_group_policy", "awscc_sso_permission_set",
}

func isTerraform(text []byte) bool {
	var probe struct {
		FormatVersion string `json:"format_version"`
	}
	return bytes.Contains(text, []byte(`"format_version"`)) && json.Unmarshal(text, &probe) == nil && probe.FormatVersion != ""
}

// isTerraformInternal reports whether a file is one that Terraform reads or keeps:
// its language, a plan, or a state.
func isTerraformInternal(path string, text []byte) bool {
	var state struct {
		Terraform string `json:"terraform_version"`
	}
	switch {
	case filepath.Ext(path) == ".tf", strings.HasSuffix(path, ".tf.json"):
		return true
	case bytes.HasPrefix(text, []byte("PK\x03\x04")): // a saved plan is a zip archive
		return true
	}
	return bytes.Contains(text, []byte(`"terraform_version"`)) && json.Unmarshal(text, &state) == nil && state.Terraform != ""
}

// terraformReader collects the policies of one kind.
type terraformReader struct {
	path   string
	kind   policy.Kind
	config terraformConfig
	seen   map[string]bool // the texts that were found, as canonical JSON
	in     policyTexts
}

// readTerraform reads the policies of one kind in the output of `terraform show
// -json`. Nothing of it is an error but an output without any.
func readTerraform(kind policy.Kind, path string, text []byte) (policyTexts, error) {
	var out terraformOutput
	if err := json.Unmarshal(text, &out); err != nil {
		return policyTexts{}, fmt.Errorf("%s: %w", path, err)
	}
	r := &terraformReader{path: path, kind: kind, config: out.Configuration.Root, seen: make(map[string]bool)}
	resources := out.resources()
	for _, res := range resources {
		r.texts(res)
		if kind == policy.Identity {
			r.bounded(res)
		}
	}
	if kind == policy.Identity {
		r.attached(resources)
	}
	if out.Errored {
		r.unread("the plan ended with an error and is not whole")
	}
	if len(r.in.documents) == 0 && !slices.ContainsFunc(r.in.unread, func(u unreadPolicy) bool { return u.kind == kind }) {
		but := ""
		if len(r.in.leftOut) > 0 {
			but = "; left out: " + strings.Join(r.in.leftOut, ", ")
		}
		return policyTexts{}, fmt.Errorf("%s: no %s policy in this terraform output%s", path, kind, but)
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
		r.Address = env.Printable(r.Address)
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
		r.unread(res.Address + " is of a type that is not read")
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
		case r.pending(res, place.path), res.Mode == "data" && !found:
			r.later(res)
		case !found && !place.optional:
			r.unread(res.Address + " holds no policy here")
		}
	}
	capabilities := leaves(res.Values, []string{"capabilities"})
	if r.kind == policy.Identity && (slices.ContainsFunc(capabilities, func(v any) bool { return v == "CAPABILITY_IAM" || v == "CAPABILITY_NAMED_IAM" })) {
		r.unread(res.Address + " has a template with IAM resources, which is not read")
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

// text takes a policy unless it is of another kind, or was taken already: a data
// source and the resource that uses it hold the same.
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
	if r.seen[canonical] {
		return
	}
	r.seen[canonical] = true
	if m, ok := v.(map[string]any); ok && res.Mode == "data" && !slices.ContainsFunc(slices.Collect(maps.Keys(m)), isStatement) {
		return // a document to build others on
	}
	doc, err := policy.Parse(r.kind, r.path+": "+res.Address, []byte(text))
	if err != nil {
		fault := strings.TrimPrefix(err.Error(), r.path+": ")
		r.unread("no policy: " + fault)
		return
	}
	r.in.documents = append(r.in.documents, policyText{res.Address, doc.Statements})
}

// later notes a policy that is known only after apply. A document whose
// configuration names principals will not be the caller's.
func (r *terraformReader) later(res terraformResource) {
	if written, ok := r.config.find(res.Address); ok && res.Type == "aws_iam_policy_document" {
		who := slices.Concat(leaves(written["statement"], []string{"principals"}), leaves(written["statement"], []string{"not_principals"}))
		if len(who) > 0 && !r.namesPrincipals() {
			r.in.leftOut = append(r.in.leftOut, res.Address)
			return
		}
	}
	r.unread(res.Address + " is known only after apply")
}

// pending reports whether something at a path is known only after apply. An
// attribute that is wholly unknown and stands nowhere in the configuration is
// what the provider fills in: nothing, of a new role.
func (r *terraformReader) pending(res terraformResource, path []string) bool {
	unknown := leaves(res.Change.Unknown, path)
	if !slices.ContainsFunc(unknown, func(v any) bool { return v == true }) {
		return false
	}
	whole, _ := res.Change.Unknown.(map[string]any)
	written, found := r.config.find(res.Address)
	_, set := written[path[0]]
	return whole[path[0]] != true || !found || set
}

// attached notes the policies that resources give a principal and whose texts are
// not in the file. A name that is not known yet is one of what the plan makes.
func (r *terraformReader) attached(resources []terraformResource) {
	for _, res := range resources {
		for _, a := range terraformAttachments {
			if a.resource != res.Type {
				continue
			}
			here, unnamed := a.maker.names(resources)
			for _, v := range leaves(res.Values, a.path) {
				if name, _ := v.(string); name != "" && !here[name] {
					r.unread(res.Address + " " + fmt.Sprintf(a.maker.elsewhere, env.Printable(name)))
				}
			}
			if r.pending(res, a.path) && !unnamed {
				r.unread(res.Address + " attaches a policy that is known only after apply")
			}
		}
	}
}

// names returns the names of what is made in the file; unnamed reports whether there
// are others, which are known only after apply.
func (m terraformMaker) names(resources []terraformResource) (here map[string]bool, unnamed bool) {
	here = make(map[string]bool)
	for _, res := range resources {
		if slices.Contains(m.resources, res.Type) {
			name, _ := res.Values[m.name].(string)
			here[name] = true
			unnamed = unnamed || name == "" && res.Mode == "managed"
		}
	}
	return here, unnamed
}

// bounded notes the permissions boundary of a principal.
func (r *terraformReader) bounded(res terraformResource) {
	if !slices.Contains(terraformBounded, res.Type) {
		return
	}
	_, block := res.Values["permissions_boundary"].([]any)
	name, _ := res.Values["permissions_boundary"].(string)
	if block || name != "" || r.pending(res, []string{"permissions_boundary"}) {
		r.in.unread = append(r.in.unread, unreadPolicy{policy.Boundary, res.Address + " has a permissions boundary; give its text with --boundary FILE"})
	}
}

func (r *terraformReader) unread(why string) {
	r.in.unread = append(r.in.unread, unreadPolicy{r.kind, why})
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
func (c terraformConfig) find(address string) (written map[string]any, ok bool) {
	address = terraformIndex().ReplaceAllString(address, "")
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
			return r.Expressions, true
		}
	}
	return nil, false
}
