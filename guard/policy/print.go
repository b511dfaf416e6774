package policy

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON prints the document so that parsing it again gives the same
// statements. White space, positions and empty condition blocks are not kept.
func (d *Document) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	if d.Version != "" {
		b = appendMember(b, "Version", d.Version)
	}
	if d.ID != "" {
		b = appendMember(b, "Id", d.ID)
	}
	b = append(appendName(b, "Statement"), '[')
	for i := range d.Statements {
		if i > 0 {
			b = append(b, ',')
		}
		b = d.Statements[i].appendJSON(b)
	}
	return append(b, ']', '}'), nil
}

// MarshalJSON prints the statement as compact JSON.
func (s Statement) MarshalJSON() ([]byte, error) { return s.appendJSON(nil), nil }

func (s *Statement) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if s.At.Sid != "" {
		b = appendMember(b, "Sid", s.At.Sid)
	}
	b = appendMember(b, "Effect", s.Effect())
	if s.principal != nil {
		b = s.principal.appendJSON(b)
	}
	b = appendTexts(b, "Action", s.notAction, texts(s.actions, actionText))
	b = appendTexts(b, "Resource", s.notResource, s.resourceTexts(s.notResource))
	if len(s.conditions) > 0 {
		b = s.appendConditions(b)
	}
	return append(b, '}')
}

// appendConditions prints the conditions grouped by operator; those of one
// operator stand together.
func (s *Statement) appendConditions(b []byte) []byte {
	b = append(appendName(b, "Condition"), '{')
	for i := range s.conditions {
		n := &s.conditions[i]
		if i > 0 && s.conditions[i-1].name != n.name {
			b = append(b, '}')
		}
		if i == 0 || s.conditions[i-1].name != n.name {
			b = append(appendName(b, n.name), '{')
		}
		b = n.appendValues(appendName(b, n.key.name))
	}
	return append(b, '}', '}')
}

func (n *condition) appendValues(b []byte) []byte {
	if len(n.values) != 1 {
		b = append(b, '[')
	}
	for i := range n.values {
		if i > 0 {
			b = append(b, ',')
		}
		if v := &n.values[i]; v.json == '"' {
			b = appendJSON(b, v.text)
		} else {
			b = append(b, v.text...)
		}
	}
	if len(n.values) != 1 {
		b = append(b, ']')
	}
	return b
}

func (who *principal) appendJSON(b []byte) []byte {
	name := "Principal"
	if who.not {
		name = "NotPrincipal"
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(who.text)); err != nil {
		return b // the parser took the text for JSON before
	}
	return append(appendName(b, name), compact.Bytes()...)
}

// appendName appends a member's name, with a comma when one stands before it.
func appendName(b []byte, name string) []byte {
	if len(b) > 0 && b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendJSON(b, name), ':')
}

func appendMember(b []byte, name, value string) []byte {
	return appendJSON(appendName(b, name), value)
}

// appendTexts prints an element whose single value needs no array.
func appendTexts(b []byte, name string, not bool, texts []string) []byte {
	if not {
		name = "Not" + name
	}
	b = appendName(b, name)
	if len(texts) == 1 {
		return appendJSON(b, texts[0])
	}
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, text)
	}
	return append(b, ']')
}
