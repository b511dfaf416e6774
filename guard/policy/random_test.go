package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomKeys are the keys of random requests, with the kind of their values.
var randomKeys = []struct {
	name, kind string
	multi      bool
}{
	{"aws:username", "text", false}, {"aws:PrincipalTag/team", "text", false}, {"ssm:resourceTag/aws:x:y", "text", false},
	{"aws:RequestedRegion", "text", false}, {"aws:PrincipalTag/digest", "binary", false}, {"aws:MultiFactorAuthAge", "number", false},
	{"aws:CurrentTime", "date", false}, {"aws:SecureTransport", "bool", false}, {"aws:SourceIp", "ip", false}, {"aws:PrincipalArn", "arn", false},
	{"aws:CalledVia", "text", true}, {"aws:TagKeys", "text", true},
}

var randomValues = map[string][]string{
	"text":   {"alice", "Bob", "a*b", "aXb", "two words", "", "ünï", "c+(d|e)", "a\\b", "$x"},
	"binary": {"AAAA", "AQID", "c3NtZ3VhcmQ=", "no!"},
	"number": {"0", "300", "59.5", "-1", "1e3", "x", "3600", "9007199254740993", "9007199254740992"},
	"date":   {"2026-03-14T09:26:53Z", "2026-03-14T09:27:53Z", "1773480413", "2026-03-14", "2026-03-14T14:56:53+05:30", "2026-03-14T09:26Z"},
	"bool":   {"true", "false", "TRUE", "maybe"},
	"ip":     {"203.0.113.7", "10.0.0.5", "2001:db8::1", "2001:DB8::1", "x"},
	"arn":    {"arn:aws:iam::111122223333:role/ops/Dev", "arn:aws:iam::111122223333:user/alice", "arn:aws:sts::1:assumed-role/a/b:c", "alice"},
}

var randomPolicyValues = map[string][]string{
	"ip":  {"203.0.113.0/24", "10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "2001:0db8::1", "0.0.0.0/0", "::/0", "10.0.0.0/33"},
	"arn": {"arn:aws:iam::*:role/*", "arn:aws:iam::??????2?3???:user/al*", "arn:*:*:*:*:*", "arn:aws:iam::111122223333:role/ops/Dev", "*", "arn:aws:sts::1:assumed-role/a/?:c"},
}

var randomOperators = map[string][]string{
	"text":   {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
	"binary": {"BinaryEquals"},
	"number": suffixed("Numeric"),
	"date":   suffixed("Date"),
	"bool":   {"Bool"},
	"ip":     {"IpAddress", "NotIpAddress"},
	"arn":    {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike"},
}

// random makes requests and policies that have something to do with each other.
type random struct {
	*rand.Rand
	action, resource string
	context          map[string]any
}

func newRandom(r *rand.Rand) *random {
	g := &random{Rand: r, context: map[string]any{}}
	g.action = pickOne(r, []string{"ssm:StartSession", "ssm:TerminateSession", "s3:PutObject"})
	g.resource = pickOne(r, []string{
		"arn:aws:ec2:us-east-1:111122223333:instance/i-1", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession",
		"arn:aws:ssm:eu-west-1:111122223333:session/alice-1", "arn:aws:s3:::logs/alice/a:b/1.log", "*",
	})
	for _, k := range randomKeys {
		switch {
		case r.IntN(4) == 0:
		case k.multi:
			list := []string{}
			for range r.IntN(4) {
				list = append(list, pickOne(r, randomValues[k.kind]))
			}
			g.context[k.name] = list
		default:
			g.context[k.name] = pickOne(r, randomValues[k.kind])
		}
	}
	return g
}

func (g *random) texts(f func() string) any {
	if g.IntN(3) == 0 {
		return f()
	}
	list := []string{}
	for range 1 + g.IntN(3) {
		list = append(list, f())
	}
	return list
}

// swapCase changes the case of letters at random.
func (g *random) swapCase(s string) string {
	return strings.Map(func(c rune) rune {
		if g.IntN(2) == 0 {
			return []rune(strings.ToUpper(string(c)))[0]
		}
		return []rune(strings.ToLower(string(c)))[0]
	}, s)
}

// blur replaces a piece of ASCII text by a wildcard.
func (g *random) blur(s string) string {
	if len(s) == 0 || strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) {
		return s + "*"
	}
	from := g.IntN(len(s))
	to := from + g.IntN(len(s)-from+1)
	if g.IntN(3) == 0 {
		return s[:from] + "?" + s[min(from+1, len(s)):]
	}
	return s[:from] + "*" + s[to:]
}

func (g *random) variable() string {
	name := pickOne(g.Rand, randomKeys).name
	switch g.IntN(7) {
	case 0:
		return "${" + g.swapCase(name) + "}"
	case 1:
		return "${" + name + ", 'alice'}"
	case 2:
		return pickOne(g.Rand, []string{"${*}", "${?}", "${$}", "${aws:absent}", "${open"})
	}
	return "${" + name + "}"
}

func (g *random) actionPattern() string {
	service, name, _ := strings.Cut(g.action, ":")
	return pickOne(g.Rand, []string{"*", g.action, service + ":*", service + ":" + g.blur(name), g.swapCase(g.action), "iam:*", "ssm:GetDocument", service + ":" + g.blur(g.blur(name))})
}

func (g *random) resourcePattern() string {
	if g.resource == "*" || g.IntN(5) == 0 {
		return pickOne(g.Rand, []string{"*", "arn:aws:ssm:*:*:*"})
	}
	part := strings.SplitN(g.resource, ":", 6)
	if part[2] != "s3" {
		part[3] = pickOne(g.Rand, []string{part[3], "*", part[3][:2] + "*", part[3][:2] + "*1", g.swapCase(part[3]), ""})
	}
	part[4] = pickOne(g.Rand, []string{part[4], part[4], "*", "????????????"})
	kind, id, _ := strings.Cut(part[5], "/")
	part[5] = pickOne(g.Rand, []string{part[5], kind + "/*", "*", g.blur(part[5]), kind + "/" + g.variable() + "*", g.swapCase(part[5]), kind + "/" + g.blur(id), g.variable()})
	switch g.IntN(12) {
	case 0:
		return strings.Join(part[:3+g.IntN(2)], ":")
	case 1:
		return strings.Join([]string{part[0], part[1], part[2], "*", part[5]}, ":")
	}
	return strings.Join(part, ":")
}

func (g *random) conditionValue(kind string) string {
	values := randomValues[kind]
	if v, ok := randomPolicyValues[kind]; ok {
		values = v
	}
	v := pickOne(g.Rand, values)
	if kind != "text" {
		if g.IntN(12) == 0 && kind != "date" {
			return g.variable()
		}
		return v
	}
	return pickOne(g.Rand, []string{v, v, g.blur(v), g.swapCase(v), g.variable(), g.variable() + "*", "a" + g.variable()})
}

func (g *random) conditions() map[string]any {
	out := map[string]any{}
	for range g.IntN(3) {
		key := pickOne(g.Rand, randomKeys)
		name := key.name
		if g.IntN(5) == 0 {
			name = g.swapCase(name)
		}
		if g.IntN(8) == 0 {
			out["Null"] = map[string]any{name: pickOne(g.Rand, []any{"true", "false", true, false})}
			continue
		}
		op := pickOne(g.Rand, randomOperators[key.kind])
		if key.multi || g.IntN(8) == 0 {
			op = pickOne(g.Rand, []string{"ForAllValues:", "ForAnyValue:", ""}) + op
		}
		if g.IntN(5) == 0 {
			op += "IfExists"
		}
		if strings.Contains(op, "Date") {
			out[op] = map[string]any{name: g.texts(func() string { return pickOne(g.Rand, randomValues["date"]) })}
			continue
		}
		out[op] = map[string]any{name: g.texts(func() string { return g.conditionValue(key.kind) })}
	}
	return out
}

func (g *random) document(kind Kind) []byte {
	var list []any
	for range 1 + g.IntN(3) {
		s := map[string]any{"Effect": "Allow"}
		if kind == RCP || g.IntN(3) == 0 {
			s["Effect"] = "Deny"
		}
		if kind == RCP {
			s["Principal"] = "*"
		}
		not := func() string {
			if kind != RCP && g.IntN(6) == 0 {
				return "Not"
			}
			return ""
		}
		s[not()+"Action"] = g.texts(g.actionPattern)
		s[not()+"Resource"] = g.texts(g.resourcePattern)
		if c := g.conditions(); len(c) > 0 {
			s["Condition"] = c
		}
		list = append(list, s)
	}
	d := map[string]any{"Statement": list}
	if v := pickOne(g.Rand, []string{"2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", ""}); kind == RCP {
		d["Version"] = "2012-10-17"
	} else if v != "" {
		d["Version"] = v
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return text
}

// asContext makes the package's context of a random one.
func (g *random) asContext() Context {
	var c Context
	for name, v := range g.context {
		switch v := v.(type) {
		case string:
			c.Set(name, v)
		case []string:
			c.SetMulti(name, v...)
		}
	}
	return c
}

func (g *random) asSimple() simpleRequest {
	r := simpleRequest{action: g.action, resource: g.resource, context: map[string]any{}}
	for name, v := range g.context {
		r.context[strings.ToLower(name)] = v
	}
	return r
}

func TestAgainstSimpleImplementation(t *testing.T) {
	rounds := times(30000, 3000)
	r := rand.New(rand.NewPCG(13, 14))
	var verdicts [4]int
	var e Evaluator
	for round := range rounds {
		g := newRandom(r)
		var set Set
		var layers [][]map[string]any
		var kinds []Kind
		var texts []string
		add := func(kind Kind) []Statement {
			text := g.document(kind)
			d, err := Parse(kind, kind.String(), text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			var generic map[string]any
			in := json.NewDecoder(bytes.NewReader(text))
			in.UseNumber()
			if err := in.Decode(&generic); err != nil {
				t.Fatal(err)
			}
			layers, kinds = append(layers, []map[string]any{generic}), append(kinds, kind)
			texts = append(texts, fmt.Sprintf("%v %s", kind, text))
			return d.Statements
		}
		set.Identity = add(Identity)
		if r.IntN(4) == 0 {
			set.Boundary = add(Boundary)
		}
		if r.IntN(4) == 0 {
			set.SCP = append(set.SCP, add(SCP))
		}
		if r.IntN(4) == 0 {
			set.RCP = append(set.RCP, add(RCP))
		}
		c := g.asContext()
		got := e.Decide(&set, g.action, g.resource, &c)
		want := simpleDecide(layers, kinds, g.asSimple())
		verdicts[want]++
		if got.Verdict != want {
			slices.Sort(texts)
			t.Fatalf("round %d: got %v, the simple implementation says %v\n%s on %s\n%v\n%s", round, got.Verdict, want, g.action, g.resource, g.context, strings.Join(texts, "\n"))
		}
	}
	t.Logf("verdicts %v", verdicts)
	for _, v := range []Verdict{Allow, ImplicitDeny, ExplicitDeny} {
		if verdicts[v]*20 < rounds {
			t.Errorf("only %d of %d are %v", verdicts[v], rounds, v)
		}
	}
}
