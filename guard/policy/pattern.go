package policy

import "strings"

// action is a compiled pattern of Action or NotAction.
type action struct {
	text string
	kind actionKind
}

type actionKind uint8

const (
	actionGlob   actionKind = iota
	actionAny               // "*"
	actionExact             // no wildcard
	actionPrefix            // one wildcard, a "*" at the end
)

func compileAction(text string) action {
	a := action{text: text}
	switch wild := strings.IndexAny(text, "*?"); {
	case text == "*" || text == "*:*":
		a.kind = actionAny
	case wild < 0:
		a.kind = actionExact
	case wild == len(text)-1 && text[wild] == '*':
		a.kind = actionPrefix
	}
	return a
}

// matches compares with a request's action; neither the service prefix nor the
// name is case-sensitive.
func (a *action) matches(name string) bool {
	switch a.kind {
	case actionAny:
		return true
	case actionExact:
		return len(a.text) == len(name) && foldPrefix(name, a.text)
	case actionPrefix:
		return foldPrefix(name, a.text[:len(a.text)-1])
	}
	g := glob{text: a.text, star: rawStar, quest: rawQuest}
	return g.match(name, len(name))
}

// foldPrefix reports whether s begins with prefix, ASCII case aside.
func foldPrefix(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if a, b := s[i], prefix[i]; a != b && lower(a) != lower(b) {
			return false
		}
	}
	return true
}

// resource is a compiled pattern of Resource or NotResource.
type resource struct {
	text  string
	free  int    // index behind the fifth colon; len(text)+1 when the ARN is shorter
	parts []part // what stands from free on, when it holds variables
	any   bool   // "*"
	short bool   // fewer than six components, completed with wildcards
}

// compileResource prepares a pattern; variables cut what stands behind the fifth
// colon, the only place where they are expanded.
func compileResource(text string, kind Kind) resource {
	r := resource{text: text, any: text == "*", free: afterColons(text, 5)}
	r.short = r.free > len(text) && kind.completesARNs()
	return r
}

// completesARNs reports whether missing components of an ARN count as "*".
func (k Kind) completesARNs() bool {
	return k == Identity || k == Boundary || k == Session
}

// matches compares with the ARN name, whose sixth component begins at fold; the
// five before ignore case. Only "*" matches the "*" of a request for an action
// without resource types.
func (r *resource) matches(name string, fold int, c *Context) truth {
	if r.any {
		return yes
	}
	if name == "*" {
		return no
	}
	if r.parts != nil {
		return r.matchVariables(name, fold, c)
	}
	g := glob{text: r.text, star: rawStar, quest: rawQuest, free: r.free, crossing: true}
	return truthOf(g.match(name, fold) || r.short && r.matchShort(name, fold))
}

// matchShort compares with each component the pattern does give.
func (r *resource) matchShort(name string, fold int) bool {
	end := afterColons(name, 1+strings.Count(r.text, ":"))
	if fold > len(name) || end > fold {
		return false
	}
	g := glob{text: r.text, star: rawStar, quest: rawQuest, free: len(r.text) + 1}
	return g.match(name[:end-1], fold)
}

// matchVariables expands the variables behind the fifth colon. It is Maybe only
// when the text before it and around the unknown value can match at all.
func (r *resource) matchVariables(name string, fold int, c *Context) truth {
	var buf [256]byte
	dst := appendWild(buf[:0], r.text[:r.free], true)
	text, known := expand(dst, r.parts, true, c)
	switch known {
	case no:
		return no
	case maybe:
		return min(maybe, r.possible(name, fold, c))
	}
	g := glob{text: view(text), star: safeStar, quest: safeQuest, free: r.free, crossing: true}
	return truthOf(g.match(name, fold))
}

// possible is the match with every unknown variable taken for "*".
func (r *resource) possible(name string, fold int, c *Context) truth {
	var buf [256]byte
	dst := appendWild(buf[:0], r.text[:r.free], true)
	for i := range r.parts {
		p := &r.parts[i]
		if p.kind == partText || p.kind == partLiteral {
			dst, _ = expand(dst, r.parts[i:i+1], true, c)
			continue
		}
		value, known := c.variable(p)
		if known == maybe {
			dst = append(dst, safeStar)
		} else {
			dst = appendLiteral(dst, value)
		}
	}
	g := glob{text: view(dst), star: safeStar, quest: safeQuest, free: r.free, crossing: true}
	return truthOf(g.match(name, fold))
}
