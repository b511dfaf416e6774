package lint

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/spelling"
)

// block is a Condition element: operators, and of each the keys with their values.
type block = map[string]map[string]guard.Texts

// conditions looks for keys that there are not, values that no key has, and conditions that
// never hold, or always.
func (l *statement) conditions() {
	unknown := false
	for _, c := range l.s.Conditions() {
		if why := l.keyFault(c.Key); why != "" {
			unknown = true
			l.add("SG002", guard.Error, conditionPart(c, ""), "%s", why)
			continue
		}
		l.values(c)
	}
	for _, text := range l.texts() {
		for _, name := range variables(text) {
			if why := l.keyFault(name); why != "" && strings.Contains(name, ":") {
				l.add("SG002", guard.Error, l.holder(text), "${%s}: %s", name, why)
			}
		}
	}
	if !unknown && len(l.draft.Condition) > 0 {
		l.holding()
	}
}

// texts are where variables may stand.
func (l *statement) texts() []string {
	all := slices.Concat(l.draft.Resource, l.draft.NotResource)
	for _, c := range l.s.Conditions() {
		all = append(all, c.Values...)
	}
	return all
}

// holder is the part in which a text of the statement stands.
func (l *statement) holder(text string) source.Part {
	for _, c := range l.s.Conditions() {
		if slices.Contains(c.Values, text) {
			return conditionPart(c, text)
		}
	}
	return either(len(l.draft.NotResource) > 0, "Resource", text)
}

// conditionOn is the part of the first condition on a key.
func (l *statement) conditionOn(key string) source.Part {
	for _, c := range l.s.Conditions() {
		if c.Key == key {
			return conditionPart(c, "")
		}
	}
	return source.Part{Element: "Condition"}
}

// variables returns the names of the variables of a text.
func variables(text string) (names []string) {
	for _, inside := range guard.Variables(text) {
		name, _, _ := strings.Cut(inside, ",")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// keyFault says why there is no condition key of a name, "" if there is one, or may be.
func (l *statement) keyFault(key string) string {
	prefix, _, ok := strings.Cut(strings.ToLower(key), ":")
	family := strings.IndexByte(key, '/') + 1
	near := func(known []string) string {
		for _, k := range known {
			if stem, all := strings.CutSuffix(k, "*"); all && family > 0 && !strings.EqualFold(stem, key[:family]) && spelling.Distance(stem, key[:family]) <= 2 {
				return meant(stem + key[family:])
			}
		}
		if family > 0 {
			return ""
		}
		return meant(spelling.Nearest(key, known))
	}
	s := l.ref.services[prefix]
	switch {
	case !ok:
		return key + " is no condition key: it names no service"
	case keyIn(sessionKeys(), key), strings.Contains(prefix, "."), slices.Contains([]string{"saml", "identitycenter", "catalog"}, prefix):
		return ""
	case prefix == "aws":
		return key + " is no condition key of AWS's" + near(sessionKeys())
	case !slices.Contains(l.ref.prefixes, prefix):
		word := spelling.Nearest(prefix, append([]string{"aws"}, l.ref.prefixes...))
		if word != "" {
			word += key[len(prefix):]
		}
		return key + " is no condition key: no service has the prefix " + prefix + meant(word)
	case s == nil || !s.hasKeys, keyIn(s.knownKeys(), key):
		return ""
	}
	if _, foreign := guard.ForeignKey(guard.ActionStart, key); !foreign {
		return ""
	}
	if word, _ := guard.ForeignKey(guard.ActionStart, key); word != "" {
		return key + " is no condition key of " + prefix + meant(word)
	}
	return key + " is no condition key of " + prefix + near(s.knownKeys())
}

// values looks for values that a key never has.
func (l *statement) values(c policy.Condition) {
	key := strings.ToLower(c.Key)
	if guard.LiteralWildcard(c) && (strings.Contains(key, "tag/") || strings.HasPrefix(key, "aws:principal") || strings.HasPrefix(key, "aws:source") || key == strings.ToLower(guard.KeyRegion)) {
		l.add("SG003", guard.Error, conditionPart(c, ""), "%s never compares equal: %s takes * and ? literally, %s takes them for wildcards",
			guard.ConditionText(c), c.Operator, strings.Replace(c.Operator, "Equals", "Like", 1))
	}
	for _, v := range c.Values {
		switch literal := !strings.ContainsAny(v, "*?$"); {
		case key == "aws:principalarn" && strings.Contains(v, ":assumed-role/"):
			l.add("SG003", guard.Error, conditionPart(c, v), "aws:PrincipalArn is never %s: of a role's session it is the ARN of the role, arn:aws:iam::ACCOUNT:role/NAME", v)
		case key == "aws:sourceip" && private(v):
			l.add("SG003", guard.Warning, conditionPart(c, v), "aws:SourceIp is never %s: it is the public address of a call, and calls through a VPC endpoint carry aws:VpcSourceIp instead", v)
		case key == strings.ToLower(guard.KeyRegion) && literal && !slices.Contains(guard.AllRegions(), v):
			if near := spelling.Nearest(v, guard.AllRegions()); near != "" {
				l.add("SG003", guard.Error, conditionPart(c, v), "aws:RequestedRegion is never %s: there is no such region%s", v, meant(near))
			}
		}
	}
	operator := strings.ToLower(c.Operator)
	if l.s.Denies() && key == "aws:multifactorauthpresent" && operator == "bool" && slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, "false") }) {
		l.add("SG009", guard.Warning, conditionPart(c, ""), "denies nothing to access keys of users, which do not carry aws:MultiFactorAuthPresent at all; BoolIfExists denies them, too")
	}
	if !l.s.Denies() && strings.HasPrefix(operator, "forallvalues:") && slices.ContainsFunc(l.covered, func(a action) bool { return isSessionAction(a.name) }) && !l.demands(c.Key) {
		l.add("SG011", guard.Warning, conditionPart(c, ""), "%s holds for every request without the key, for ForAllValues asks nothing of no values; add Null %s false", guard.ConditionText(c), c.Key)
	}
}

// demands reports whether the statement asks for a key to be there.
func (l *statement) demands(key string) bool {
	return slices.ContainsFunc(l.s.Conditions(), func(c policy.Condition) bool {
		return strings.EqualFold(c.Key, key) && strings.EqualFold(c.Operator, "Null") && len(c.Values) > 0 && strings.EqualFold(c.Values[0], "false")
	})
}

// private reports whether an address, or a range of them, is in the networks that the
// internet does not know.
func private(text string) bool {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		return err == nil && a.IsPrivate()
	}
	for _, of := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
		if own := netip.MustParsePrefix(of); own.Contains(p.Addr()) && own.Bits() <= p.Bits() {
			return true
		}
	}
	return false
}

// holding looks for conditions that never hold, whatever the request is, and for those that
// always do.
func (l *statement) holding() {
	never := make(map[string][]string) // the actions for which the conditions never hold, by the reason
	blame := make(map[string]source.Part)
	always := make(map[string]bool)
	var order []string
	held := false
	for _, group := range l.alike() {
		can, part, reason := l.canHold(l.draft.Condition, group[0])
		if can {
			held = true
			for _, c := range l.s.Conditions() {
				if one := (block{c.Operator: {c.Key: c.Values}}); !group[0].knows(c.Key) && alwaysHolds(one, group[0], l.s.Version(), []string{c.Key}) {
					always[c.Key] = true
				}
			}
			continue
		}
		if never[reason] == nil {
			order = append(order, reason)
			blame[reason] = part
		}
		for _, a := range group {
			never[reason] = append(never[reason], a.name)
		}
	}
	if !l.whole || slices.ContainsFunc(l.covered, func(a action) bool { return !a.service.hasKeys }) {
		held, always = true, nil
	}
	for _, reason := range order {
		names := never[reason]
		if held { // the other actions are what a wildcard is for
			names = slices.DeleteFunc(names, func(name string) bool {
				return !slices.ContainsFunc(l.draft.Action, func(p string) bool { return strings.EqualFold(p, name) })
			})
		}
		if len(names) == 0 {
			continue
		}
		const most = 4
		if len(names) > most {
			names = append(names[:most:most], "others")
		}
		code, level := guard.Code("SG003"), guard.Error
		if l.s.Denies() {
			code = "SG006"
		}
		l.add(code, level, blame[reason], "never %s %s: %s", l.verb(), guard.Join(names, "and"), reason)
	}
	for _, key := range slices.Sorted(maps.Keys(always)) {
		if len(order) == 0 {
			l.add("SG011", guard.Warning, l.conditionOn(key), "a condition on %s restricts nothing: none of the actions carries the key, which this operator takes for a match", key)
		}
	}
}

// alike groups the listed actions of the statement by which of its keys they carry.
func (l *statement) alike() (groups [][]action) {
	at := make(map[string]int)
	for _, a := range l.covered {
		var b strings.Builder
		for _, c := range l.s.Conditions() {
			if a.knows(c.Key) {
				b.WriteByte('+')
			} else {
				b.WriteByte('-')
			}
		}
		if isSessionAction(a.name) {
			b.WriteString(a.name)
		}
		i, ok := at[b.String()]
		if !ok {
			i = len(groups)
			at[b.String()], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// knows reports whether a request for the action may carry a key, as far as is listed.
func (a action) knows(key string) bool {
	service, _, _ := strings.Cut(strings.ToLower(key), ":")
	listed := listed().services[service]
	switch {
	case !a.service.hasKeys, listed == nil && !ofResource(key):
		return true
	case listed != nil && !listed.hasKeys && service != "ec2":
		return true
	}
	return a.carries(key)
}

// canHold reports whether conditions can hold in some request for an action, and says which
// one cannot if they cannot, and why.
func (l *statement) canHold(conditions block, a action) (can bool, part source.Part, reason string) {
	keys := keysOf(conditions)
	if holds(conditions, a, l.s.Version(), keys) != policy.ImplicitDeny {
		return true, part, ""
	}
	for _, c := range l.s.Conditions() {
		one := block{c.Operator: {c.Key: c.Values}}
		if holds(one, a, l.s.Version(), []string{c.Key}) != policy.ImplicitDeny {
			continue
		}
		switch {
		case guard.IsSessionTag(c.Key) && a.name == guard.ActionStart:
			return false, conditionPart(c, ""), guard.ConditionText(c) + " cannot hold, since only sessions carry this tag"
		case !a.knows(c.Key):
			word, _ := guard.ForeignKey(a.name, c.Key)
			if word != "" {
				word = "; " + word + " is meant"
			}
			return false, conditionPart(c, ""), guard.ConditionText(c) + " cannot hold, since no request for it carries the key" + word
		}
		return false, conditionPart(c, ""), guard.ConditionText(c) + " cannot hold, since the key never has such a value"
	}
	return false, source.Part{Element: "Condition"}, "its conditions cannot hold at the same time"
}

func keysOf(conditions block) (keys []string) {
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		keys = append(keys, slices.Sorted(maps.Keys(conditions[operator]))...)
	}
	return keys
}

func alwaysHolds(conditions block, a action, version string, keys []string) bool {
	return holds(conditions, a, version, keys) == policy.Allow
}

// holds returns what a statement with conditions, and no others, gives for a request of
// which nothing is known but which keys it cannot carry: Allow if they always hold,
// ImplicitDeny if they never do.
func holds(conditions block, a action, version string, keys []string) policy.Verdict {
	draft := guard.Allow([]string{a.name}, []string{"*"})
	draft.Condition = conditions
	text, err := json.Marshal(struct {
		Version   string `json:",omitempty"`
		Statement guard.Draft
	}{version, draft})
	if err != nil {
		return policy.Unknown
	}
	doc, err := policy.Parse(policy.Identity, "conditions", text)
	if err != nil {
		return policy.Unknown
	}
	var c policy.Context
	c.SetUnknown("*")
	for _, key := range keys {
		if !a.knows(key) || a.name == guard.ActionStart && guard.IsSessionTag(key) {
			c.SetAbsent(key)
		}
	}
	return policy.Set{Identity: doc.Statements}.Evaluate(a.name, "arn:aws:ssm:us-east-1:111122223333:any/any", c).Verdict
}
