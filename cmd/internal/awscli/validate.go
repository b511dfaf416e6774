package awscli

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validate checks the request against the service's model, as the CLI does after
// it has found a region and before it looks for credentials. The error is a
// *UsageError that lists every fault.
func (inv *Invocation) Validate() error {
	if inv.op == nil || inv.request == nil {
		return nil
	}
	var faults []string
	names := make([]string, len(inv.op.members))
	for i, m := range inv.op.members {
		names[i] = m.name
		if m.required && !inv.request.has(m.name) {
			faults = append(faults, `Missing required parameter in input: "`+m.name+`"`)
		}
	}
	for _, k := range inv.request.keys {
		if inv.op.member(k) == nil {
			faults = append(faults, `Unknown parameter in input: "`+k+`", must be one of: `+strings.Join(names, ", "))
		}
	}
	for _, k := range inv.request.keys {
		if m := inv.op.member(k); m != nil {
			faults = m.shape.check(inv.request.values[k], k, faults)
		}
	}
	if faults == nil {
		return nil
	}
	return paramValidation("Parameter validation failed:\n" + strings.Join(faults, "\n"))
}

// acceptedTypes are the types that a shape accepts, as the CLI names them.
var acceptedTypes = map[kind]string{
	stringKind: "<class 'str'>",
	boolKind:   "<class 'bool'>",
	listKind:   "<class 'list'>, <class 'tuple'>",
	mapKind:    "<class 'dict'>",
}

// check appends what is wrong with v at the place called name.
func (s *shape) check(v any, name string, faults []string) []string {
	switch v := v.(type) {
	case string:
		if s.kind != stringKind {
			break
		}
		if n := utf8.RuneCountInString(v); n < s.min {
			faults = append(faults, "Invalid length for parameter "+name+", value: "+strconv.Itoa(n)+", valid min length: "+strconv.Itoa(s.min))
		}
		return faults
	case bool:
		if s.kind == boolKind {
			return faults
		}
	case []any:
		if s.kind != listKind {
			break
		}
		for i, e := range v {
			faults = s.member.check(e, name+"["+strconv.Itoa(i)+"]", faults)
		}
		return faults
	case *mapping:
		if s.kind != mapKind {
			break
		}
		for _, k := range v.keys {
			faults = s.key.check(k, name+" (key: "+k+")", faults)
			faults = s.member.check(v.values[k], name+"."+k, faults)
		}
		return faults
	}
	return append(faults, "Invalid type for parameter "+name+", value: "+shown(v)+", type: "+typeName(v)+", valid types: "+acceptedTypes[s.kind])
}
