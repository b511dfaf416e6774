package awscli

import (
	"slices"
	"strings"
)

// skeleton makes the invocation one that prints: a request to fill in, as JSON or
// YAML, or a sample of the answer, which obeys --query and --output.
func (inv *Invocation) skeleton(form string) error {
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
		inv.Output, err = inv.sampleOutput()
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
func (inv *Invocation) sampleOutput() (string, error) {
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
	switch inv.Globals.Output {
	case "", "json":
		return indentJSON(v, 0) + "\n", nil
	case "text":
		return formatText(v), nil
	case "yaml", "yaml-stream":
		return formatYAML(v), nil
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

// formatText is the CLI's text output for flat values: tab-separated, keys in order of name.
func formatText(v any) string {
	switch v := v.(type) {
	case nil:
		return "None\n"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = str(e)
		}
		return strings.Join(parts, "\t") + "\n"
	case *mapping:
		keys := slices.Sorted(slices.Values(v.keys))
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = str(v.values[k])
		}
		return strings.Join(parts, "\t") + "\n"
	}
	return str(v) + "\n"
}

func formatYAML(v any) string {
	switch v := v.(type) {
	case []any:
		var b strings.Builder
		for _, e := range v {
			b.WriteString("- " + str(e) + "\n")
		}
		return b.String()
	case *mapping:
		var b strings.Builder
		for _, k := range v.keys {
			b.WriteString(k + ": " + str(v.values[k]) + "\n")
		}
		return b.String()
	}
	return str(v) + "\n"
}
