package policyfile

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

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
