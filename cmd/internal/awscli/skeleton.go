package awscli

import (
	"slices"
	"strings"
)

// skeleton makes the invocation one that prints: a request to fill in, as JSON or
// YAML, or a sample of the answer, which obeys --query and --output.
func (inv *Invocation) skeleton(form string, env Env) error {
	var err error
	switch form {
	case "input":
		inv.Output = indentJSON(inv.op.sampleInput(), 0) + "\n"
	case "yaml-input":
		inv.Output = inv.op.sampleYAML()
	case "output":
		if err := inv.Validate(); err != nil {
			return err
		}
		inv.Output, err = inv.sampleOutput(env)
	}
	if err != nil {
		inv.Command, inv.Refusal = Foreign, bareError(CodeOther, err.Error())
		return nil
	}
	inv.Command = Print
	return nil
}

func (op *operation) sampleInput() *mapping {
	m := newMapping()
	for _, mem := range op.members {
		m.set(mem.name, mem.shape.sample())
	}
	return m
}

func (s *shape) sample() any {
	switch s.kind {
	case boolKind:
		return true
	case listKind:
		return []any{s.member.sample()}
	case mapKind:
		m := newMapping()
		m.set("KeyName", s.member.sample())
		return m
	}
	return ""
}

func (op *operation) sampleYAML() string {
	var b strings.Builder
	for _, m := range op.members {
		empty, mark, rest := " ''", "", "\n"
		switch m.shape.kind {
		case mapKind:
			empty, rest = "", "\n  KeyName:\n  - ''\n"
		case boolKind:
			empty = " true"
		}
		if m.required {
			empty, mark = empty+" ", " [REQUIRED]"
		}
		b.WriteString(m.name + ":" + empty + " #" + mark + " " + m.doc + rest)
	}
	return b.String()
}

// sampleOutput is the answer with every member's name as its value.
func (inv *Invocation) sampleOutput(env Env) (string, error) {
	m := newMapping()
	for _, name := range inv.op.output {
		m.set(name, name)
	}
	var v any = m
	if inv.Globals.Query != "" {
		q, err := compileQuery(inv.Globals.Query)
		if err != nil {
			return "", err
		}
		if v, err = q.search(v); err != nil {
			return "", err
		}
	}
	format := inv.Globals.Output
	if format == "" {
		format, _ = env.lookup("AWS_DEFAULT_OUTPUT")
	}
	switch format {
	case "", "json":
		return indentJSON(v, 0) + "\n", nil
	case "text":
		return formatText(v)
	case "yaml":
		return formatYAML(v)
	case "off":
		return "", nil
	}
	return "", errQuery
}

// indentJSON is json.dumps(v, indent=4, ensure_ascii=False).
func indentJSON(v any, depth int) string {
	pad := strings.Repeat("    ", depth+1)
	end := "\n" + strings.Repeat("    ", depth)
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			parts = append(parts, pad+indentJSON(e, depth+1))
		}
		if parts == nil {
			return "[]"
		}
		return "[\n" + strings.Join(parts, ",\n") + end + "]"
	case *mapping:
		for _, k := range v.keys {
			parts = append(parts, pad+dumps(k)+": "+indentJSON(v.values[k], depth+1))
		}
		if parts == nil {
			return "{}"
		}
		return "{\n" + strings.Join(parts, ",\n") + end + "}"
	}
	return dumps(v)
}

// formatText is the CLI's text output for flat values: tab-separated, keys in
// order of name. The error is errQuery.
func formatText(v any) (string, error) {
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			parts = append(parts, str(e))
		}
		if !flat(v) || parts == nil {
			return "", errQuery
		}
	case *mapping:
		for _, k := range slices.Sorted(slices.Values(v.keys)) {
			if parts = append(parts, str(v.values[k])); !flat([]any{v.values[k]}) {
				return "", errQuery
			}
		}
	default:
		parts = []string{str(v)}
	}
	return strings.Join(parts, "\t") + "\n", nil
}

// formatYAML is the CLI's YAML output for lists and mappings of words, keys in
// order of name. The error is errQuery.
func formatYAML(v any) (string, error) {
	var b strings.Builder
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if !plainYAML(e) {
				return "", errQuery
			}
			b.WriteString("- " + str(e) + "\n")
		}
	case *mapping:
		for _, k := range slices.Sorted(slices.Values(v.keys)) {
			if !plainYAML(k) || !plainYAML(v.values[k]) {
				return "", errQuery
			}
			b.WriteString(k + ": " + str(v.values[k]) + "\n")
		}
	}
	if b.Len() == 0 {
		return "", errQuery
	}
	return b.String(), nil
}

// flat tells whether no element is a list or a mapping.
func flat(values []any) bool {
	return !slices.ContainsFunc(values, func(v any) bool {
		switch v.(type) {
		case []any, *mapping:
			return true
		}
		return false
	})
}

// plainYAML tells whether v is a word that YAML takes for a string without quotes:
// the names of the sample answer are.
func plainYAML(v any) bool {
	s, ok := v.(string)
	return ok && len(s) > 5 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
