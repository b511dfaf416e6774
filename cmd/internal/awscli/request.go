package awscli

import "strings"

// request builds the request from the options of the third pass, in the order of
// the CLI: file names first, then syntax, option by option in the model's order,
// then what --cli-input-json or --cli-input-yaml adds.
func (op *operation) request(p *parsed, env Env) (*mapping, error) {
	req := newMapping()
	for _, m := range op.members {
		raw, ok := p.values[m.flag]
		if !ok {
			continue
		}
		v, err := m.value(raw, env)
		if err != nil {
			return nil, err
		}
		req.set(m.name, v)
	}
	flag, document := "", ""
	for _, f := range []string{inputJSON, inputYAML} {
		if !p.given[f] {
			continue
		}
		v, ok, err := env.paramFile(p.values[f])
		if err != nil {
			return nil, parameterError(f, err.Error())
		}
		if !ok {
			v = p.values[f]
		}
		if b, isBytes := v.(blob); isBytes {
			v = strings.TrimPrefix(string(b), "\ufeff")
		}
		flag, document = f, v.(string)
	}
	switch {
	case flag == "":
		return req, nil
	case p.given[inputJSON] && p.given[inputYAML]:
		return nil, paramValidation("Only one --cli-input- parameter may be specified.")
	}
	return req, req.addInput(flag, document)
}

// value is the value of one option: the content of a file it names, then, for
// anything but strings, JSON or shorthand.
func (m *member) value(raw string, env Env) (any, error) {
	if m.shape.kind == boolKind {
		return raw == "true", nil
	}
	v, ok, err := env.paramFile(raw)
	if err != nil {
		return nil, parameterError(m.flag, err.Error())
	}
	if !ok {
		v = raw
	}
	if m.shape.kind == stringKind {
		return v, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, &UsageError{Code: CodeOther, Message: m.flag + " takes text, and a fileb:// file holds bytes; use file://"}
	}
	switch trimmed := strings.TrimSpace(s); {
	case strings.HasPrefix(trimmed, "["):
		return nil, parameterError(m.flag, "Invalid JSON:\n"+s)
	case strings.HasPrefix(trimmed, "{"):
		v, err := readJSON(s)
		if err != nil {
			return nil, parameterError(m.flag, "Invalid JSON: "+err.Error()+"\nJSON received: "+s)
		}
		return v, nil
	}
	fields, err := parseShorthand(s, env.paramFile)
	switch err := err.(type) {
	case nil:
		scalarsToLists(fields)
		return fields, nil
	case *shorthandError:
		return nil, parameterError(m.flag, err.msg)
	default:
		return nil, &UsageError{Code: CodeOther, Message: err.Error()}
	}
}

// addInput merges a whole request given as JSON or YAML: what the options say
// stays. Messages name the option with its dashes or without, as the CLI does.
func (req *mapping) addInput(flag, document string) error {
	read, form := readJSON, "JSON"
	if flag == inputYAML {
		read, form = loadYAML, "YAML"
	}
	v, err := read(document)
	if err != nil {
		return parameterError(strings.TrimPrefix(flag, "--"), "Invalid "+form+" received.")
	}
	m, ok := v.(*mapping)
	if !ok {
		return parameterError(flag, "Invalid type: expecting map, received "+typeName(v))
	}
	for _, k := range m.keys {
		if !req.has(k) {
			req.set(k, m.values[k])
		}
	}
	return nil
}

func (req *mapping) string(key string) string {
	s, _ := req.values[key].(string)
	return s
}

func (req *mapping) input() Input {
	in := Input{Target: req.string("Target"), DocumentName: req.string("DocumentName"), Reason: req.string("Reason")}
	in.HasDocument = req.has("DocumentName")
	params, _ := req.values["Parameters"].(*mapping)
	if params == nil {
		return in
	}
	for _, k := range params.keys {
		p := Parameter{Name: k}
		list, _ := params.values[k].([]any)
		for _, v := range list {
			if s, ok := v.(string); ok {
				p.Values = append(p.Values, s)
			}
		}
		in.Parameters = append(in.Parameters, p)
	}
	return in
}

func (req *mapping) execute() Execute {
	interactive, _ := req.values["interactive"].(bool)
	return Execute{Cluster: req.string("cluster"), Container: req.string("container"),
		Command: req.string("command"), Task: req.string("task"), Interactive: interactive}
}
