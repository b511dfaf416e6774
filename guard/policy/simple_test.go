package policy

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A second implementation of the language, written for the reader: documents
// are maps, patterns are regular expressions, nothing is compiled and nothing
// unknown. It follows AWS's pages and shares no code with the package.

// simpleRequest is a request of the second implementation. A value of the
// context is a string or a list of strings; keys are in lower case.
type simpleRequest struct {
	action, resource string
	context          map[string]any
}

// simpleDecide evaluates layers of documents: each inner list is one layer, which
// must allow.
func simpleDecide(layers [][]map[string]any, kinds []Kind, r simpleRequest) Verdict {
	verdict := Allow
	for i, layer := range layers {
		allowed := kinds[i] == RCP
		for _, document := range layer {
			version, _ := document["Version"].(string)
			for _, s := range simpleList(document["Statement"]) {
				statement := s.(map[string]any)
				if !simpleApplies(statement, version, kinds[i], r) {
					continue
				}
				if statement["Effect"] == "Deny" {
					return ExplicitDeny
				}
				allowed = true
			}
		}
		if !allowed {
			verdict = ImplicitDeny
		}
	}
	return verdict
}

// simpleList makes a list of what may stand alone.
func simpleList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func simpleTexts(v any) []string {
	var out []string
	for _, x := range simpleList(v) {
		switch x := x.(type) {
		case string:
			out = append(out, x)
		case bool:
			out = append(out, map[bool]string{true: "true", false: "false"}[x])
		case json.Number:
			out = append(out, x.String())
		}
	}
	return out
}

func simpleApplies(s map[string]any, version string, kind Kind, r simpleRequest) bool {
	if a, ok := s["Action"]; ok {
		if !slices.ContainsFunc(simpleTexts(a), r.actionIs) {
			return false
		}
	} else if slices.ContainsFunc(simpleTexts(s["NotAction"]), r.actionIs) {
		return false
	}
	resourceIs := func(pattern string) bool { return r.resourceIs(pattern, version, kind) }
	if a, ok := s["Resource"]; ok {
		if !slices.ContainsFunc(simpleTexts(a), resourceIs) {
			return false
		}
	} else if slices.ContainsFunc(simpleTexts(s["NotResource"]), resourceIs) {
		return false
	}
	conditions, _ := s["Condition"].(map[string]any)
	for operator, block := range conditions {
		for key, values := range block.(map[string]any) {
			if !r.conditionHolds(operator, key, simpleTexts(values), version) {
				return false
			}
		}
	}
	return true
}

// simpleGlob is a pattern as a regular expression; star is what "*" becomes.
func simpleGlob(pattern, star, mark string) string {
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '*':
			b.WriteString(star)
		case '?':
			b.WriteString(mark)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

func simpleMatch(expression, s string) bool {
	return regexp.MustCompile(`(?s)\A(?:` + expression + `)\z`).MatchString(s)
}

func (r simpleRequest) actionIs(pattern string) bool {
	return simpleMatch("(?i:"+simpleGlob(pattern, ".*", ".")+")", r.action)
}

// headRune stands for a letter of a request's first five components, where case
// does not count.
func headRune(c rune) rune { return 0xE000 + []rune(strings.ToLower(string(c)))[0] }

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// simpleHead replaces the letters of the first five components by headRunes.
func simpleHead(arn string) string {
	parts := strings.SplitAfterN(arn, ":", 6)
	for i := range parts[:min(5, len(parts))] {
		parts[i] = strings.Map(func(c rune) rune {
			if isLetter(c) {
				return headRune(c)
			}
			return c
		}, parts[i])
	}
	return strings.Join(parts, "")
}

// simpleARN is simpleGlob for a component before the fifth colon: its letters
// match headRunes, and themselves where a star before it has passed the head.
func simpleARN(component, star, mark string) string {
	var b strings.Builder
	for _, c := range component {
		if isLetter(c) {
			b.WriteString("[" + string(c) + string(headRune(c)) + "]")
		} else {
			b.WriteString(simpleGlob(string(c), star, mark))
		}
	}
	return b.String()
}

// resourceIs matches component by component, and lets a star at the end of a
// component match beyond the colon.
func (r simpleRequest) resourceIs(pattern, version string, kind Kind) bool {
	if pattern == "*" {
		return true
	}
	if r.resource == "*" {
		return false
	}
	parts := strings.SplitN(pattern, ":", 6)
	var names []string
	for _, p := range parts[:min(5, len(parts))] {
		end := ""
		if strings.HasSuffix(p, "*") {
			p, end = strings.TrimSuffix(p, "*"), ".*"
		}
		names = append(names, simpleARN(p, "[^:]*", "[^:]")+end)
	}
	got := simpleHead(r.resource)
	if len(parts) == 6 {
		last, ok := r.expand(parts[5], version, true)
		return ok && simpleMatch(strings.Join(names, ":")+":"+last, got)
	}
	if simpleMatch(strings.Join(names, ":"), got) {
		return true
	}
	components := strings.SplitN(got, ":", 6)
	if kind != Identity && kind != Boundary && kind != Session || len(components) < 6 {
		return false
	}
	for i, p := range parts {
		if !simpleMatch(simpleARN(p, "[^:]*", "[^:]"), components[i]) {
			return false
		}
	}
	return true
}

var simpleVariable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand turns a value with variables into a regular expression; ok is false
// when a variable has no value.
func (r simpleRequest) expand(text, version string, wild bool) (expression string, ok bool) {
	star, mark := ".*", "."
	if !wild {
		star, mark = `\*`, `\?`
	}
	if version != "2012-10-17" {
		return simpleGlob(text, star, mark), true
	}
	at := 0
	for _, m := range simpleVariable.FindAllStringSubmatchIndex(text, -1) {
		expression += simpleGlob(text[at:m[0]], star, mark)
		at = m[1]
		inside := text[m[2]:m[3]]
		if inside == "*" || inside == "?" || inside == "$" {
			expression += regexp.QuoteMeta(inside)
			continue
		}
		name, rest, _ := strings.Cut(inside, ", ")
		value, _ := r.context[strings.ToLower(strings.TrimSpace(name))].(string)
		if value == "" && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
			expression += regexp.QuoteMeta(rest[1 : len(rest)-1])
			continue
		}
		if value == "" {
			return "", false
		}
		expression += regexp.QuoteMeta(value)
	}
	return expression + simpleGlob(text[at:], star, mark), true
}

func (r simpleRequest) conditionHolds(operator, key string, values []string, version string) bool {
	quantifier, operator := simpleCut(operator)
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	have, present := r.context[strings.ToLower(key)]
	list, multi := have.([]string)
	text, _ := have.(string)
	empty := !present || multi && len(list) == 0 || !multi && text == ""
	if operator == "Null" {
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, "true") == empty })
	}
	negated := strings.Contains(operator, "Not")
	one := func(got string) bool {
		match := func(want string) bool { return r.compare(operator, want, got, version) }
		return slices.ContainsFunc(values, match) != negated
	}
	if !multi {
		list = []string{text}
	}
	switch {
	case quantifier == "ForAllValues":
		return empty || !slices.ContainsFunc(list, func(got string) bool { return !one(got) })
	case quantifier == "ForAnyValue" && empty:
		return ifExists
	case quantifier == "ForAnyValue":
		return slices.ContainsFunc(list, one)
	case !present:
		return ifExists || negated
	case multi:
		return false
	}
	return one(text)
}

func simpleCut(operator string) (quantifier, rest string) {
	if before, after, ok := strings.Cut(operator, ":"); ok {
		return before, after
	}
	return "", operator
}

// compare reports whether one value of the policy matches one of the request, the
// operator's "Not" aside.
func (r simpleRequest) compare(operator, want, got, version string) bool {
	operator = strings.Replace(operator, "Not", "", 1)
	text := func(wild bool) (string, bool) { return r.expand(want, version, wild) }
	switch {
	case operator == "StringEquals":
		e, ok := text(false)
		return ok && simpleMatch(e, got)
	case operator == "StringEqualsIgnoreCase":
		e, ok := text(false)
		return ok && simpleMatch("(?i:"+e+")", got)
	case operator == "StringLike":
		e, ok := text(true)
		return ok && simpleMatch(e, got)
	case operator == "Bool":
		e, ok := text(false)
		return ok && simpleMatch("(?i:true|false)", got) && simpleMatch("(?i:"+e+")", got)
	case operator == "BinaryEquals":
		x, errX := base64.StdEncoding.DecodeString(want)
		y, errY := base64.StdEncoding.DecodeString(got)
		return want == got || errX == nil && errY == nil && string(x) == string(y)
	case operator == "IpAddress":
		return simpleIP(want, got)
	case strings.HasPrefix(operator, "Arn"):
		return r.arnIs(want, got, version)
	case strings.HasPrefix(operator, "Numeric"):
		x, okX := new(big.Rat).SetString(want)
		y, okY := new(big.Rat).SetString(got)
		return okX && okY && simpleOrder(strings.TrimPrefix(operator, "Numeric"), y.Cmp(x))
	case strings.HasPrefix(operator, "Date"):
		x, okX := simpleDate(want)
		y, okY := simpleDate(got)
		return okX && okY && simpleOrder(strings.TrimPrefix(operator, "Date"), y.Compare(x))
	}
	return false
}

func simpleOrder(relation string, c int) bool {
	return map[string]bool{"Equals": c == 0, "LessThan": c < 0, "LessThanEquals": c <= 0, "GreaterThan": c > 0, "GreaterThanEquals": c >= 0}[relation]
}

func simpleIP(want, got string) bool {
	if !strings.Contains(want, "/") {
		x, y := net.ParseIP(want), net.ParseIP(got)
		return x != nil && y != nil && x.Equal(y)
	}
	_, network, err := net.ParseCIDR(want)
	ip := net.ParseIP(got)
	return err == nil && ip != nil && network.Contains(ip)
}

func simpleDate(text string) (time.Time, bool) {
	if n, ok := new(big.Int).SetString(text, 10); ok && n.Sign() >= 0 {
		return time.Unix(n.Int64(), 0), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// arnIs expands the variables of an ARN and compares its six components.
func (r simpleRequest) arnIs(want, got, version string) bool {
	expanded := want
	if version == "2012-10-17" {
		ok := true
		expanded = simpleVariable.ReplaceAllStringFunc(want, func(v string) string {
			e, resolved := r.expand(v, version, true)
			ok = ok && resolved
			return strings.NewReplacer(`\`, "").Replace(strings.NewReplacer("*", "\x01", "?", "\x02").Replace(e))
		})
		if !ok {
			return false
		}
	}
	x, y := strings.SplitN(expanded, ":", 6), strings.SplitN(got, ":", 6)
	if len(x) < 6 || len(y) < 6 || y[0] != "arn" {
		return false
	}
	for i := range x {
		e := strings.NewReplacer("\x01", `\*`, "\x02", `\?`).Replace(simpleGlob(x[i], ".*", "."))
		if !simpleMatch(e, y[i]) {
			return false
		}
	}
	return true
}
