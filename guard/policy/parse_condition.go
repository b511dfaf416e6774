package policy

import "ssmguard/guard/policy/scalar"

// conditionBlock reads a Condition element.
func (p *parser) conditionBlock(s *Statement) {
	if !p.expect('{', "of the conditions") {
		return
	}
	from := len(p.conditions)
	for first := true; p.more(&first, '}'); {
		p.operatorBlock(from)
	}
	s.conditions = p.conditions[from:len(p.conditions):len(p.conditions)]
}

// operatorBlock reads one operator with its keys. IAM accepts an operator it
// does not know as long as no key follows.
func (p *parser) operatorBlock(from int) {
	name, at := p.key()
	op, q, ifExists, exact, ok := parseOperator(name)
	if !p.expect('{', "of the operator's keys") {
		return
	}
	mine := len(p.conditions)
	for i := from; i < mine && !p.failed(); i++ {
		if p.conditions[i].name == name {
			p.fail(at, "the operator %s stands here twice", name)
		}
	}
	for first := true; p.more(&first, '}'); {
		if !ok {
			p.fail(at, "there is no condition operator %q", name)
			return
		}
		p.operatorKey(condition{op: op, q: q, ifExists: ifExists, name: name}, mine)
	}
	if !ok || !p.lines || p.failed() {
		return
	}
	if !exact {
		p.warn(at, "AWS spells this operator differently")
	}
	if op.family == famNull && ifExists {
		p.warn(at, "Null takes no IfExists")
	}
	if op.family == famNull && q != single {
		p.warn(at, "Null with a set qualifier is the same for every request")
	}
}

// operatorKey reads one condition key with its values.
func (p *parser) operatorKey(n condition, mine int) {
	key, at := p.key()
	n.key = newContextKey(key)
	for i := mine; i < len(p.conditions) && !p.failed(); i++ {
		switch other := &p.conditions[i]; {
		case other.key.name == key:
			p.fail(at, "the key %s stands here twice", key)
		case other.key.hash == n.key.hash && foldPrefix(key, other.key.name):
			p.warn(at, "the key stands here twice, in different case")
		}
	}
	from := len(p.values)
	if p.peek() != '[' {
		p.conditionValue(n.op)
	} else {
		p.pos++
		for first := true; p.more(&first, ']'); {
			p.conditionValue(n.op)
		}
	}
	n.values = p.values[from:len(p.values):len(p.values)]
	p.conditions = append(p.conditions, n)
}

// conditionValue reads one value: a string, number or boolean.
func (p *parser) conditionValue(op *operator) {
	kind := p.peek()
	at := p.pos
	v := condValue{text: p.scalar("a string, number or boolean")}
	switch kind {
	case '"':
		v.json = '"'
	case 't', 'f':
		v.json = 'b'
	default:
		v.json = 'n'
	}
	v.value = op.family.parse(v.text)
	if p.failed() {
		return
	}
	switch op.family {
	case famDate:
		if v.value.Kind == scalar.None {
			p.fail(at, "%q is not a date", v.text)
		}
	case famNumeric, famIP:
		if v.value.Kind == scalar.None {
			p.warn(at, "the value is not of the operator's type and matches nothing")
		}
	}
	p.values = append(p.values, v)
}
