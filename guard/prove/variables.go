package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/automata"
)

// A pattern with a policy variable matches what it would with the variable's value in its
// place. Where the value is known it stands there; where it is not, one pattern for each text
// that conditions compare the value with tells apart which targets and documents go with
// which values, and one for any value tells which go with none. That is exact where a
// resource's name leaves the variable one value: else something is noted as open.

// option is one text that may stand in the place of a variable, or of any of several.
type option struct {
	id    string // tells options apart
	looks automata.NFA
}

func literal(text string) option { return option{"=" + text, automata.Literal(text, false)} }

// anyValue is a value of which nothing is known: an empty one counts for none.
var anyValue = option{"?*", automata.Pattern("?*")}

// compared is what the conditions say of the values of one key, and of those that are
// compared with it.
type compared struct {
	options []option
	keys    []string // in lower case
	mixed   bool     // with variables beside other text, as numbers, dates or addresses
}

// relation gathers what conditions say of a key, in the statements that bear on the claim.
func (p *prover) relation(key string) (c compared) {
	c.keys = []string{strings.ToLower(key)}
	seen := make(map[string]bool)
	add := func(o option) {
		if !seen[o.id] {
			seen[o.id] = true
			c.options = append(c.options, o)
		}
	}
	for before := 0; before < len(c.keys); {
		before = len(c.keys)
		for _, known := range slices.Clone(c.keys) {
			for _, name := range namesOf(known) {
				c.join(name)
			}
		}
		p.eachStatement(func(s *policy.Statement) {
			for _, n := range s.Conditions() {
				c.learn(n, add)
			}
		})
	}
	for _, known := range c.keys[1:] {
		values, _, _ := p.known(known)
		for _, v := range values {
			add(literal(v))
		}
	}
	return c
}

func (c *compared) join(key string) {
	if key = strings.ToLower(key); !slices.Contains(c.keys, key) {
		c.keys = append(c.keys, key)
	}
}

// learn takes what one condition says of the keys that are known to belong together.
func (c *compared) learn(n policy.Condition, add func(option)) {
	form := formOf(n.Operator)
	about := slices.Contains(c.keys, strings.ToLower(n.Key))
	var names []string
	for _, v := range n.Values {
		for _, inside := range guard.Variables(v) {
			if name, _, _ := variable(inside); name != "" {
				names = append(names, name)
				about = about || slices.Contains(c.keys, strings.ToLower(name))
			}
		}
	}
	if !about || form == formNull {
		return
	}
	c.join(n.Key)
	for _, name := range names {
		c.join(name)
	}
	c.mixed = c.mixed || form == formScalar
	for _, v := range n.Values {
		insides := guard.Variables(v)
		switch {
		case len(insides) == 0:
			add(form.option(v))
		case len(insides) == 1 && v == "${"+insides[0]+"}":
			if _, text, ok := variable(insides[0]); ok {
				add(literal(text))
			}
		default:
			c.mixed = true
			for _, o := range slices.Clone(c.options) {
				if text, ok := strings.CutPrefix(o.id, "="); ok {
					add(form.option(guard.ReplaceVariables(v, func(string) string { return text })))
				}
			}
		}
	}
}

// variable reads what stands between "${" and "}": the key's name, "" for an escaped
// character, and the default.
func variable(inside string) (name, text string, ok bool) {
	if inside == "*" || inside == "?" || inside == "$" {
		return "", "", false
	}
	name, rest, ok := strings.Cut(inside, ", ")
	if ok && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
		return strings.TrimSpace(name), rest[1 : len(rest)-1], true
	}
	return strings.TrimSpace(name), "", false
}

// form is how an operator compares texts.
type form int

const (
	formExact form = iota
	formFold
	formWild
	formScalar // not as texts
	formNull   // not with a value
)

// formOf reads an operator's name.
func formOf(operator string) form {
	name := strings.ToLower(operator[strings.IndexByte(operator, ':')+1:])
	switch {
	case strings.HasPrefix(name, "null"):
		return formNull
	case strings.Contains(name, "ignorecase"), strings.HasPrefix(name, "bool"):
		return formFold
	case strings.Contains(name, "like"), strings.HasPrefix(name, "arn"):
		return formWild
	case strings.HasPrefix(name, "string"):
		return formExact
	}
	return formScalar
}

// option returns the texts that a value of a condition stands for.
func (f form) option(value string) option {
	switch f {
	case formFold:
		return option{"i" + value, automata.Literal(value, true)}
	case formWild:
		if strings.ContainsAny(value, "*?") {
			return option{"*" + value, automata.Pattern(value)}
		}
	}
	return literal(value)
}

// known returns the values of a key that are known for one of the callers, and whether it may
// be absent, or have values that are not known.
func (p *prover) known(key string) (values []string, absent, open bool) {
	if strings.EqualFold(key, guard.KeyRegion) {
		if p.in.Request.Region != "" {
			return []string{p.in.Request.Region}, false, false
		}
		for _, c := range p.in.Callers {
			values = append(values, guard.Regions(guard.Partition(guard.Request{Caller: c}))...)
		}
		return automata.Distinct(values), false, false
	}
	r := p.in.Request
	if r.Target == "" {
		r.Target = "i-0123456789abcdef0"
	}
	for _, c := range p.in.Callers {
		r.Caller = c
		for _, g := range p.grants(question{Request: r}) {
			if !slices.Contains(p.actions, g.Action) {
				continue
			}
			switch list, _, state := g.Context.Lookup(key); {
			case state == policy.KeyUnknown:
				absent, open = true, true
			case state == policy.KeyAbsent:
				absent = true
			case len(list) == 1:
				values = append(values, list[0])
			}
		}
	}
	return automata.Distinct(values), absent, open
}

// mostPieces bounds the patterns that one with variables stands for.
const mostPieces = 400

// variables that may have any text; what others look like is not told here.
var anyText = []string{"aws:username", "aws:userid", "aws:sourceidentity", "aws:principaltag/", strings.ToLower(guard.TagGlobal), strings.ToLower(guard.TagSSM)}

// free reports whether a key may have any text for its value.
func free(key string) bool {
	key = strings.ToLower(key)
	service, _, _ := strings.Cut(key, ":")
	return !slices.Contains([]string{"aws", "ssm", "ec2", "ecs"}, service) ||
		slices.ContainsFunc(anyText, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// expanded returns what a pattern of a statement says of the resource in an ARN: one option
// for each combination of what its variables may stand for.
func (p *prover) expanded(s *policy.Statement, pattern string) (pieces []option) {
	fields := strings.SplitN(pattern, ":", 6)
	last := fields[len(fields)-1]
	if len(fields) < 6 {
		// The last wildcard of a pattern that ends before it goes on into the resource: then it
		// counts from its last colon, which tells more apart than IAM does, never less.
		return []option{formWild.option("*" + last)}
	}
	insides := guard.Variables(last)
	if len(insides) == 0 || s.Version() != "2012-10-17" {
		return []option{formWild.option(last)}
	}
	pieces = []option{{"", automata.Literal("", false)}}
	rest := last
	var unknown []string
	for _, inside := range insides {
		before, after, _ := strings.Cut(rest, "${"+inside+"}")
		rest = after
		options, open := p.standing(inside)
		if open {
			name, _, _ := variable(inside)
			unknown = append(unknown, name)
		}
		if len(pieces)*len(options) > mostPieces {
			p.vague[pattern] = inside
			options = options[:max(1, mostPieces/len(pieces))]
		}
		var longer []option
		for _, piece := range pieces {
			for _, o := range options {
				longer = append(longer, option{piece.id + before + "${" + o.id + "}", automata.Join(piece.looks, automata.Pattern(before), o.looks)})
			}
		}
		pieces = longer
	}
	for i := range pieces {
		pieces[i] = option{pieces[i].id + rest, automata.Join(pieces[i].looks, automata.Pattern(rest))}
	}
	if name := p.ambiguous(pattern, unknown); name != "" {
		p.vague[pattern] = name
	}
	return pieces
}

// standing returns what may stand in the place of a variable, and whether its value is not
// known.
func (p *prover) standing(inside string) (options []option, open bool) {
	name, otherwise, ok := variable(inside)
	if name == "" {
		return []option{literal(inside)}, false
	}
	values, absent, open := p.known(name)
	for _, v := range values {
		options = append(options, literal(v))
	}
	if ok && absent {
		options = append(options, literal(otherwise))
	}
	if open {
		options = append(options, anyValue)
		options = append(options, p.relation(name).options...)
	}
	return options, open
}

// ambiguous returns an unknown variable of a pattern of which a resource's name may leave
// several values, where it may matter which; "" for none.
func (p *prover) ambiguous(pattern string, unknown []string) string {
	resource := strings.SplitN(pattern, ":", 6)[5]
	wild := strings.ContainsAny(guard.ReplaceVariables(resource, func(string) string { return "" }), "*?")
	for i, name := range unknown {
		c := p.relation(name)
		together := slices.ContainsFunc(unknown[:i], func(o string) bool { return slices.Contains(c.keys, strings.ToLower(o)) })
		alike, other := p.uses(c.keys, resource)
		compared := len(c.options) > 0 || alike > 1
		if together || c.mixed || !free(name) || compared && (wild || len(unknown) > 1) || other && p.both {
			return name
		}
	}
	return ""
}

// uses counts the patterns in which one of some keys is a variable and that may match a
// resource of the type of one that is given, and reports whether there are some for targets
// and some for documents.
func (p *prover) uses(keys []string, resource string) (alike int, other bool) {
	var seen []string
	kind := typeOf(resource)
	p.eachPattern(func(_ *policy.Statement, pattern string) {
		fields := strings.SplitN(pattern, ":", 6)
		if len(fields) < 6 || slices.Contains(seen, fields[5]) {
			return
		}
		seen = append(seen, fields[5])
		for _, inside := range guard.Variables(fields[5]) {
			name, _, _ := variable(inside)
			if !slices.Contains(keys, strings.ToLower(name)) {
				continue
			}
			this := typeOf(fields[5])
			if this == "" || kind == "" || this == kind {
				alike++
			}
			other = other || this == "" || kind == "" || (this == "document") != (kind == "document")
			break
		}
	})
	return alike, other
}

// typeOf returns the type of the resources that a pattern of the end of an ARN matches, "" for
// any of several.
func typeOf(resource string) string {
	kind, _, ok := strings.Cut(resource, "/")
	if !ok || strings.ContainsAny(kind, "*?$") {
		return ""
	}
	return kind
}

// spread returns a set in which a pattern whose variables leave more than can be looked
// through matches, of all the resources that it matches with any values, any: whether it
// matches is up to a key of its own, which nobody knows. What is so of the sessions of such
// a set is so of those of the first.
func (p *prover) spread(set policy.Set) (policy.Set, error) {
	var err error
	statements := func(kind policy.Kind, list []policy.Statement) (out []policy.Statement) {
		for i := range list {
			parts, fault := p.spreadStatement(kind, &list[i])
			if fault != nil {
				err = fault
			}
			out = append(out, parts...)
		}
		if list != nil && out == nil {
			out = []policy.Statement{}
		}
		return out
	}
	set.Identity, set.Boundary, set.Session = statements(policy.Identity, set.Identity), statements(policy.Boundary, set.Boundary), statements(policy.Session, set.Session)
	set.Endpoint = statements(policy.Endpoint, set.Endpoint)
	levels := func(kind policy.Kind, all [][]policy.Statement) (out [][]policy.Statement) {
		for _, list := range all {
			out = append(out, statements(kind, list))
		}
		return out
	}
	set.SCP, set.RCP = levels(policy.SCP, set.SCP), levels(policy.RCP, set.RCP)
	return set, err
}

// spreadKey begins the keys that settle whether a pattern matches.
const spreadKey = "ssmguard:pattern/"

// spreadStatement returns what stands in the place of a statement.
func (p *prover) spreadStatement(kind policy.Kind, s *policy.Statement) ([]policy.Statement, error) {
	element, patterns := "Resource", s.Resources()
	if not := s.NotResources(); not != nil {
		element, patterns = "NotResource", not
	}
	var plain, vague, wide []string
	for _, pattern := range patterns {
		if _, is := p.vague[pattern]; !is || s.Version() != "2012-10-17" {
			plain = append(plain, pattern)
			continue
		}
		vague = append(vague, pattern)
		fields := strings.SplitN(pattern, ":", 6)
		fields[5] = guard.ReplaceVariables(fields[5], func(string) string { return "*" })
		wide = append(wide, strings.Join(fields, ":"))
	}
	if len(vague) == 0 {
		return []policy.Statement{*s}, nil
	}
	// One statement for each of the ways in which the vague patterns may match. A
	// statement of NotResource applies where none of them does.
	var texts []string
	write := func(resources []string, keys map[string]string) error {
		text, err := s.MarshalJSON()
		if err != nil {
			return err
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			return err
		}
		members[element] = resources
		if len(resources) == 0 { // NotResource without a pattern is every resource
			delete(members, element)
			members["Resource"] = "*"
		}
		conditions, _ := members["Condition"].(map[string]any)
		if conditions == nil {
			conditions = make(map[string]any)
		}
		for key, value := range keys {
			conditions["ForAnyValue:StringEquals"] = joined(conditions["ForAnyValue:StringEquals"], key, value)
		}
		members["Condition"] = conditions
		text, err = json.Marshal(members)
		texts = append(texts, string(text))
		return err
	}
	switch {
	case element == "Resource":
		if len(plain) > 0 {
			if err := write(plain, nil); err != nil {
				return nil, err
			}
		}
		for i := range vague {
			if err := write(wide[i:i+1], map[string]string{spreadKey + hex(vague[i]): "in"}); err != nil {
				return nil, err
			}
		}
	case len(vague) > 4:
		return nil, errors.New("too many patterns with variables")
	default:
		for mask := range 1 << len(vague) { // those of the mask leave it to their keys
			resources, keys := slices.Clone(plain), make(map[string]string)
			for i := range vague {
				if mask>>i&1 == 1 {
					keys[spreadKey+hex(vague[i])] = "out"
				} else {
					resources = append(resources, wide[i])
				}
			}
			if err := write(resources, keys); err != nil {
				return nil, err
			}
		}
	}
	d, err := policy.Parse(kind, s.At.Source, []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(texts, ",")+`]}`))
	return d.Statements, err
}

// joined adds a key to the keys of a condition's operator.
func joined(keys any, key, value string) any {
	all, _ := keys.(map[string]any)
	if all == nil {
		all = make(map[string]any)
	}
	all[key] = value
	return all
}

// hex writes a text so that it may stand in the name of a key.
func hex(text string) string { return fmt.Sprintf("%x", text) }
