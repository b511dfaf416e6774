package policyfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

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

func refuseTerraform(_ policy.Kind, in policyInput) (fileTexts, error) {
	return fileTexts{}, fmt.Errorf("%s: Terraform's own files are not read; give what \"terraform show -json\" prints of the plan or state", in.path)
}

// terraformReader collects the policies of one kind.
type terraformReader struct {
	path      string
	kind      policy.Kind
	config    terraformConfig
	resources []terraformResource
	hidden    bool           // a dynamic block may turn on what is known only after apply
	seen      map[string]int // the index of a document by its text as canonical JSON, -1 if it is none
	in        fileTexts
}

// readTerraform reads the policies of one kind in the output of `terraform show
// -json`. Nothing of it is an error but an output without any.
func readTerraform(kind policy.Kind, in policyInput) (fileTexts, error) {
	var out terraformOutput
	if err := json.Unmarshal(in.text, &out); err != nil {
		return fileTexts{}, fmt.Errorf("%s: %w", in.path, err)
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
		return fileTexts{}, fmt.Errorf("%s: no %s policy in this terraform output%s", in.path, kind, but)
	}
	return r.in, nil
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
		r.in.unread = append(r.in.unread, unreadPolicy{kind: r.kind, why: "no policy: " + fault, node: res.node(), fault: err})
		return
	}
	if !again {
		r.seen[canonical] = len(r.in.documents)
	} else {
		r.in.documents[before].used = true
	}
	r.in.documents = append(r.in.documents, policyText{name: res.Address, node: res.node(), again: again, statements: doc.Statements, warnings: doc.Warnings})
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
