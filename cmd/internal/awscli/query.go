package awscli

import "errors"

// errQuery says that a sample answer needs more of JMESPath, or of an output
// format, than is implemented here.
var errQuery = errors.New("this --query or --output needs the aws command")

// search evaluates a query over a skeleton: fields, indexes, lists, hashes,
// pipes and projections; functions and comparisons are not needed for it.
func (n *queryNode) search(v any) (any, error) {
	switch n.kind {
	case "identity":
		return v, nil
	case "literal":
		return n.value, nil
	case "field":
		if m, ok := v.(*mapping); ok {
			return m.values[n.name], nil
		}
		return nil, nil
	case "sub", "pipe":
		left, err := n.args[0].search(v)
		if err != nil {
			return nil, err
		}
		return n.args[1].search(left)
	case "or", "and":
		left, err := n.args[0].search(v)
		if err != nil || truthy(left) == (n.kind == "or") {
			return left, err
		}
		return n.args[1].search(v)
	case "not":
		left, err := n.args[0].search(v)
		return !truthy(left), err
	case "list":
		return n.searchList(v)
	case "hash":
		return n.searchHash(v)
	case "values", "project":
		return n.project(v)
	case "index":
		return n.searchIndex(v)
	case "flatten":
		return n.flatten(v)
	}
	return nil, errQuery
}

// truthy is JMESPath's notion of true: anything but null, false and what is empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *mapping:
		return len(v.keys) > 0
	}
	return true
}

func (n *queryNode) searchList(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	list := []any{}
	for _, a := range n.args {
		e, err := a.search(v)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func (n *queryNode) searchHash(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	m := newMapping()
	for _, a := range n.args {
		e, err := a.args[0].search(v)
		if err != nil {
			return nil, err
		}
		m.set(a.name, e)
	}
	return m, nil
}

// project applies the right side to every element (project) or value (values) of the left.
func (n *queryNode) project(v any) (any, error) {
	left, err := n.args[0].search(v)
	if err != nil {
		return nil, err
	}
	var elements []any
	if n.kind == "values" {
		m, ok := left.(*mapping)
		if !ok {
			return nil, nil
		}
		for _, k := range m.keys {
			elements = append(elements, m.values[k])
		}
	} else {
		list, ok := left.([]any)
		if !ok {
			return nil, nil
		}
		elements = list
	}
	out := []any{}
	for _, e := range elements {
		r, err := n.args[1].search(e)
		if err != nil {
			return nil, err
		}
		if r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

func (n *queryNode) searchIndex(v any) (any, error) {
	left, err := n.args[0].search(v)
	list, ok := left.([]any)
	if err != nil || !ok {
		return nil, err
	}
	i := *n.slice[0]
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil, nil
	}
	return list[i], nil
}

func (n *queryNode) flatten(v any) (any, error) {
	left, err := n.args[0].search(v)
	list, ok := left.([]any)
	if err != nil || !ok {
		return nil, err
	}
	out := []any{}
	for _, e := range list {
		if inner, ok := e.([]any); ok {
			out = append(out, inner...)
			continue
		}
		out = append(out, e)
	}
	return out, nil
}
