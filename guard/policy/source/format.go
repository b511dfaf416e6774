package source

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// step is the indentation of a level.
const step = "  "

// Format prints JSON for reading. A list, or an object without objects in it, stands on
// one line where it fits in the width; a line that cannot be broken is longer. Width 0
// gives one line. What is no JSON is returned as it is.
func Format(text string, width int) string {
	n, ok := parse(text)
	if !ok {
		return text
	}
	if width <= 0 {
		return flat(text, n)
	}
	var b strings.Builder
	print(&b, text, n, "", 0, width)
	return b.String()
}

// flat prints a value on one line, with a blank behind each comma and colon.
func flat(text string, n node) string {
	var b strings.Builder
	open, closing := "{", "}"
	switch n.kind {
	case '{':
	case '[':
		open, closing = "[", "]"
	default:
		return text[n.span.Start:n.span.End]
	}
	b.WriteString(open)
	for i, m := range n.members {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text[m.name.Start:m.name.End] + ": " + flat(text, m.value))
	}
	for i, e := range n.entries {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(flat(text, e))
	}
	b.WriteString(closing)
	return b.String()
}

// print writes a value whose first line has some columns before it.
func print(b *strings.Builder, text string, n node, indent string, before, width int) {
	if one := flat(text, n); n.kind != '{' && n.kind != '[' || len(n.members)+len(n.entries) == 0 ||
		height(n) <= 2 && before+utf8.RuneCountInString(one) <= width {
		b.WriteString(one)
		return
	}
	inner := indent + step
	if n.kind == '[' {
		b.WriteByte('[')
		for i, e := range n.entries {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n" + inner)
			print(b, text, e, inner, len(inner)+1, width)
		}
		b.WriteString("\n" + indent + "]")
		return
	}
	b.WriteByte('{')
	for i, m := range n.members {
		if i > 0 {
			b.WriteByte(',')
		}
		name := text[m.name.Start:m.name.End] + ": "
		b.WriteString("\n" + inner + name)
		print(b, text, m.value, inner, len(inner)+utf8.RuneCountInString(name)+1, width)
	}
	b.WriteString("\n" + indent + "}")
}

// height is how many levels of objects a value has: a statement with a condition has
// three, so that its members stand on lines of their own.
func height(n node) int {
	most := 0
	for _, m := range n.members {
		most = max(most, height(m.value))
	}
	for _, e := range n.entries {
		most = max(most, height(e))
	}
	if n.kind == '{' {
		if _, effect := n.member("Effect"); effect {
			return 3
		}
		most++
	}
	return most
}

// Document prints statements, each of them JSON, as a policy document of a version ("" for
// none).
func Document(version string, statements []string, width int) string {
	var b bytes.Buffer
	b.WriteString("{")
	if version != "" {
		name, _ := json.Marshal(version) // a string always marshals
		b.WriteString(`"Version":` + string(name) + ",")
	}
	b.WriteString(`"Statement":[` + strings.Join(statements, ",") + "]}")
	return Format(b.String(), width)
}
