package awscli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// queryNode is a node of a compiled JMESPath expression.
type queryNode struct {
	kind  string // field, literal, sub, index, slice, flatten, ...
	name  string // of a field, function or hash entry, or the comparison
	value any    // of a literal
	args  []*queryNode
	slice [3]*int
}

// bindingPower of the tokens; whatever is below projectionStop ends a projection.
var bindingPower = map[string]int{
	"pipe": 1, "or": 2, "and": 3, "eq": 5, "gt": 5, "lt": 5, "gte": 5, "lte": 5, "ne": 5,
	"flatten": 9, "star": 20, "filter": 21, "dot": 40, "not": 45, "lbrace": 50, "lbracket": 55, "lparen": 60,
}

const projectionStop = 10

var identity = &queryNode{kind: "identity"}

type queryParser struct {
	expression string
	tokens     []queryToken
	at         int
}

// compileQuery parses a JMESPath expression; the error has the text that the
// AWS CLI shows after "Bad value for --query".
func compileQuery(expression string) (*queryNode, error) {
	tokens, err := lexQuery(expression)
	if err != nil {
		return nil, err
	}
	p := &queryParser{expression: expression, tokens: tokens}
	n, err := p.parse(0)
	if err != nil {
		return nil, err
	}
	if t := p.token(0); t.kind != "eof" {
		return nil, p.fault(t, "Unexpected token: "+t.value)
	}
	return n, nil
}

func (p *queryParser) token(n int) queryToken {
	return p.tokens[max(0, min(p.at+n, len(p.tokens)-1))]
}

func (p *queryParser) fault(t queryToken, msg string) error {
	return &queryError{fmt.Sprintf("%s: Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^",
		msg, t.start, t.value, strings.ToUpper(t.kind), p.expression, strings.Repeat(" ", t.start+1))}
}

func (p *queryParser) incomplete() error {
	return &queryError{fmt.Sprintf("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^",
		p.expression, strings.Repeat(" ", length(p.expression)+1))}
}

// expect consumes a token of one of the kinds; shown is how the message names them.
func (p *queryParser) expect(shown string, kinds ...string) (queryToken, error) {
	t := p.token(0)
	switch {
	case slices.Contains(kinds, t.kind):
		p.at++
		return t, nil
	case t.kind == "eof":
		return t, p.incomplete()
	}
	return t, p.fault(t, "Expecting: "+shown+", got: "+t.kind)
}

func (p *queryParser) match(kind string) error {
	_, err := p.expect(kind, kind)
	return err
}

func (p *queryParser) parse(power int) (*queryNode, error) {
	t := p.token(0)
	p.at++
	left, err := p.prefix(t)
	for err == nil && power < bindingPower[p.token(0).kind] {
		t := p.token(0)
		p.at++
		left, err = p.infix(t, left)
	}
	return left, err
}

// prefix parses what starts with t.
func (p *queryParser) prefix(t queryToken) (*queryNode, error) {
	switch t.kind {
	case "literal":
		return &queryNode{kind: "literal", value: t.lit}, nil
	case "unquoted_identifier":
		return &queryNode{kind: "field", name: t.value}, nil
	case "quoted_identifier":
		if next := p.token(0); next.kind == "lparen" {
			next.start = 0
			return nil, p.fault(next, "Quoted identifier not allowed for function names.")
		}
		return &queryNode{kind: "field", name: t.value}, nil
	case "star":
		if p.token(0).kind == "rbracket" {
			return &queryNode{kind: "values", args: []*queryNode{identity, identity}}, nil
		}
		return p.projection("values", identity, "star")
	case "filter":
		return p.filter(identity)
	case "lbrace":
		return p.hash()
	case "lparen":
		n, err := p.parse(0)
		if err != nil {
			return nil, err
		}
		return n, p.match("rparen")
	case "flatten":
		return p.projection("project", &queryNode{kind: "flatten", args: []*queryNode{identity}}, "flatten")
	case "not":
		n, err := p.parse(bindingPower["not"])
		return &queryNode{kind: "not", args: []*queryNode{n}}, err
	case "lbracket":
		return p.bracket()
	case "current":
		return identity, nil
	case "expref":
		n, err := p.parse(0)
		return &queryNode{kind: "expref", args: []*queryNode{n}}, err
	case "eof":
		return nil, p.incomplete()
	}
	return nil, p.fault(t, "invalid token")
}

// infix parses what follows left, beginning with t.
func (p *queryParser) infix(t queryToken, left *queryNode) (*queryNode, error) {
	switch t.kind {
	case "dot":
		if p.token(0).kind == "star" {
			p.at++
			return p.projection("values", left, "dot")
		}
		right, err := p.afterDot(bindingPower["dot"])
		return &queryNode{kind: "sub", args: []*queryNode{left, right}}, err
	case "pipe", "or", "and", "eq", "ne", "gt", "gte", "lt", "lte":
		right, err := p.parse(bindingPower[t.kind])
		return &queryNode{kind: t.kind, args: []*queryNode{left, right}}, err
	case "lparen":
		return p.call(left)
	case "filter":
		return p.filter(left)
	case "flatten":
		return p.projection("project", &queryNode{kind: "flatten", args: []*queryNode{left}}, "flatten")
	case "lbracket":
		if k := p.token(0).kind; k == "number" || k == "colon" {
			return p.index(left)
		}
		if err := p.match("star"); err != nil {
			return nil, err
		}
		if err := p.match("rbracket"); err != nil {
			return nil, err
		}
		return p.projection("project", left, "star")
	}
	return nil, p.fault(t, "invalid token")
}

func (p *queryParser) call(left *queryNode) (*queryNode, error) {
	if left.kind != "field" {
		t := p.token(-2)
		return nil, p.fault(t, "Invalid function name '"+t.value+"'")
	}
	n := &queryNode{kind: "call", name: left.name}
	for p.token(0).kind != "rparen" {
		arg, err := p.parse(0)
		if err != nil {
			return nil, err
		}
		if p.token(0).kind == "comma" {
			p.at++
		}
		n.args = append(n.args, arg)
	}
	p.at++
	return n, nil
}

func (p *queryParser) filter(left *queryNode) (*queryNode, error) {
	condition, err := p.parse(0)
	if err != nil {
		return nil, err
	}
	if err := p.match("rbracket"); err != nil {
		return nil, err
	}
	right := identity
	if p.token(0).kind != "flatten" {
		if right, err = p.projected("filter"); err != nil {
			return nil, err
		}
	}
	return &queryNode{kind: "where", args: []*queryNode{left, right, condition}}, nil
}

// bracket parses what follows a "[" that starts an expression.
func (p *queryParser) bracket() (*queryNode, error) {
	switch k := p.token(0).kind; {
	case k == "number" || k == "colon":
		return p.index(identity)
	case k == "star" && p.token(1).kind == "rbracket":
		p.at += 2
		return p.projection("project", identity, "star")
	}
	return p.list()
}

// index parses [n] or [start:stop:step] applied to left.
func (p *queryParser) index(left *queryNode) (*queryNode, error) {
	if p.token(0).kind != "colon" && p.token(1).kind != "colon" {
		n := &queryNode{kind: "index", args: []*queryNode{left}, slice: [3]*int{p.number()}}
		return n, p.match("rbracket")
	}
	n := &queryNode{kind: "slice", args: []*queryNode{left}}
	for part := 0; p.token(0).kind != "rbracket" && part < 3; {
		switch t := p.token(0); t.kind {
		case "colon":
			if part++; part == 3 {
				return nil, p.fault(t, "syntax error")
			}
			p.at++
		case "number":
			n.slice[part] = p.number()
		default:
			return nil, p.fault(t, "syntax error")
		}
	}
	if err := p.match("rbracket"); err != nil {
		return nil, err
	}
	return p.projection("project", n, "star")
}

func (p *queryParser) number() *int {
	n, _ := strconv.Atoi(p.token(0).value)
	p.at++
	return &n
}

func (p *queryParser) list() (*queryNode, error) {
	n := &queryNode{kind: "list"}
	for {
		e, err := p.parse(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, e)
		if p.token(0).kind == "rbracket" {
			p.at++
			return n, nil
		}
		if err := p.match("comma"); err != nil {
			return nil, err
		}
	}
}

func (p *queryParser) hash() (*queryNode, error) {
	n := &queryNode{kind: "hash"}
	for {
		key, err := p.expect("['quoted_identifier', 'unquoted_identifier']", "quoted_identifier", "unquoted_identifier")
		if err != nil {
			return nil, err
		}
		if err := p.match("colon"); err != nil {
			return nil, err
		}
		v, err := p.parse(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, &queryNode{kind: "entry", name: key.value, args: []*queryNode{v}})
		switch p.token(0).kind {
		case "comma":
			p.at++
		case "rbrace":
			p.at++
			return n, nil
		}
	}
}

// projection is a node that applies what follows to every element of left.
func (p *queryParser) projection(kind string, left *queryNode, power string) (*queryNode, error) {
	right, err := p.projected(power)
	return &queryNode{kind: kind, args: []*queryNode{left, right}}, err
}

func (p *queryParser) projected(power string) (*queryNode, error) {
	switch t := p.token(0); {
	case bindingPower[t.kind] < projectionStop:
		return identity, nil
	case t.kind == "lbracket" || t.kind == "filter":
		return p.parse(bindingPower[power])
	case t.kind == "dot":
		p.at++
		return p.afterDot(bindingPower[power])
	default:
		return nil, p.fault(t, "syntax error")
	}
}

func (p *queryParser) afterDot(power int) (*queryNode, error) {
	switch t := p.token(0); t.kind {
	case "quoted_identifier", "unquoted_identifier", "star":
		return p.parse(power)
	case "lbracket":
		p.at++
		return p.list()
	case "lbrace":
		p.at++
		return p.hash()
	default:
		return nil, p.fault(t, "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: "+t.kind)
	}
}
