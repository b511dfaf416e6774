package policy

import "ssmguard/guard/policy/scalar"

// conditionBlock reads a Condition element.
func (p *parser) conditionBlock(s *Statement) {
	if !p.Expect('{', "of the conditions") {
		return
	}
	from := len(p.conditions)
	for first := true; p.More(&first, '}'); {
		p.operatorBlock(from)
	}
	s.conditions = p.conditions[from:len(p.conditions):len(p.conditions)]
}

// operatorBlock reads one operator with its keys. IAM accepts an operator it
// does not know as long as no key follows.
func (p *parser) operatorBlock(from int) {
	name, at := p.Key()
	op, q, ifExists, exact, ok := parseOperator(name)
	if !p.Expect('{', "of the operator's keys") {
		return
	}
	mine := len(p.conditions)
	for i := from; i < mine && !p.Failed(); i++ {
		if p.conditions[i].name == name {
			p.Fail(at, "the operator %s stands here twice", name)
		}
	}
	for first := true; p.More(&first, '}'); {
		if !ok {
			p.Fail(at, "there is no condition operator %q", name)
			return
		}
		p.operatorKey(condition{op: op, q: q, ifExists: ifExists, name: name}, mine)
	}
	if !ok || !p.lines || p.Failed() {
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
	key, at := p.Key()
	n.key = newContextKey(key)
	for i := mine; i < len(p.conditions) && !p.Failed(); i++ {
		switch other := &p.conditions[i]; {
		case other.key.name == key:
			p.Fail(at, "the key %s stands here twice", key)
		case other.key.hash == n.key.hash && foldPrefix(key, other.key.name):
			p.warn(at, "the key stands here twice, in different case")
		}
	}
	from := len(p.values)
	if p.Peek() != '[' {
		p.conditionValue(n.op)
	} else {
		p.Pos++
		for first := true; p.More(&first, ']'); {
			p.conditionValue(n.op)
		}
	}
	n.values = p.values[from:len(p.values):len(p.values)]
	p.conditions = append(p.conditions, n)
}

// conditionValue reads one value: a string, number or boolean.
func (p *parser) conditionValue(op *operator) {
	kind := p.Peek()
	at := p.Pos
	v := condValue{text: p.Scalar("a string, number or boolean")}
	switch kind {
	case '"':
		v.json = '"'
	case 't', 'f':
		v.json = 'b'
	default:
		v.json = 'n'
	}
	v.value = op.family.parse(v.text)
	if p.Failed() {
		return
	}
	switch op.family {
	case famDate:
		if v.value.Kind == scalar.None {
			p.Fail(at, "%q is not a date", v.text)
		}
	case famNumeric, famIP:
		if v.value.Kind == scalar.None {
			p.warn(at, "the value is not of the operator's type and matches nothing")
		}
	}
	p.values = append(p.values, v)
}
