package reach

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// side is one of the two grants of a session.
type side int

const (
	ofTargets side = iota
	ofDocuments
)

func (s side) grant() string {
	if s == ofDocuments {
		return guard.GrantDocument
	}
	return guard.GrantTarget
}

// item is a target, or a document in one region.
type item struct {
	index  int // of Account.Targets or Account.Documents
	other  int // a document, or a target of the region: any
	region string
	arn    string
	shape  string // what else of the item its verdicts turn on
	tags   map[string]string
}

// half is the requests for one grant.
type half struct {
	account  *Account
	of       side
	items    []item
	regions  []string
	policies []*Policy

	columns    columns
	partitions map[string][][]int // items of each class, by the columns that tell them apart
	sets       map[string]*reduced
	known      map[string]int // groups by what tells them apart
	groups     []group
	scp        map[bool][][]policy.Statement // of linked principals, and of the others
	endpoint   []policy.Statement
}

// newHalf lists the items of one half.
func (a *Account) newHalf(of side) *half {
	h := &half{account: a, of: of, partitions: make(map[string][][]int), sets: make(map[string]*reduced), known: make(map[string]int)}
	first := make(map[string]int) // a target of each region
	for i := range a.Targets {
		region := a.Targets[i].Region
		if _, ok := first[region]; !ok {
			first[region] = i
			h.regions = append(h.regions, region)
		}
	}
	if of == ofTargets {
		for i := range a.Targets {
			h.items = append(h.items, item{index: i, region: a.Targets[i].Region, tags: a.Targets[i].Tags})
		}
	} else {
		for _, region := range h.regions {
			for i := range a.Documents {
				h.items = append(h.items, item{index: i, other: first[region], region: region, tags: a.Documents[i].Tags})
			}
		}
	}
	for i := range h.items {
		h.describe(&h.items[i])
	}
	h.columns = columns{items: h.items, byKey: make(map[string]int), byContent: make(map[string]int)}
	h.scp = map[bool][][]policy.Statement{true: nil, false: h.levels(a.SCP)}
	h.endpoint = h.bearing(a.Endpoint)
	for i := range a.Principals {
		h.number(&a.Principals[i])
	}
	return h
}

// describe fills in the ARN of an item and its shape: the region, what kind of ARN it is, and
// what is not known.
func (h *half) describe(it *item) {
	target, document := it.index, it.other
	if h.of == ofDocuments {
		target, document = it.other, it.index
	}
	r, f := h.account.Request(0, target, document)
	for _, g := range guard.Needs(r, f) {
		if g.ID == h.of.grant() {
			it.arn = g.Resource
		}
	}
	it.shape = fmt.Sprintf("%s %q", it.region, f.Unknown)
	if h.of == ofDocuments {
		owned := guard.AwsOwned(r, f)
		if owned {
			it.tags = nil
		}
		it.shape += fmt.Sprintf(" %t %q %q %d", owned, f.DocumentType, guard.ArnField(it.arn, guard.FieldAccount), guard.SightOf(r, f))
	}
}

// number gives each policy of a principal an id.
func (h *half) number(p *Principal) {
	one := func(x *Policy) {
		if x.id < len(h.policies) && h.policies[x.id] == x {
			return
		}
		x.id, x.halves[h.of] = len(h.policies), nil
		h.policies = append(h.policies, x)
	}
	for _, at := range p.Identity {
		one(at.Policy)
	}
	if p.Boundary != nil {
		one(p.Boundary.Policy)
	}
}

// source is the Source of a policy's statements while they are evaluated.
func source(id int) string { return "\x00" + strconv.Itoa(id) }

func idOf(source string) (id int, ok bool) {
	number, ok := strings.CutPrefix(source, "\x00")
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(number)
	return id, err == nil
}

// bearing returns the statements that match some request of the half, or may.
func (h *half) bearing(all []policy.Statement) []policy.Statement {
	if all == nil {
		return nil
	}
	kept := []policy.Statement{}
	for i := range all {
		if s := &all[i]; s.MatchesAction(guard.ActionStart) && h.columns.some(h.columns.ofResources(s)) {
			kept = append(kept, *s)
		}
	}
	return kept
}

func (h *half) levels(all [][]policy.Statement) (kept [][]policy.Statement) {
	for _, level := range all {
		kept = append(kept, h.bearing(level))
	}
	return kept
}

// of returns the statements of a policy that bear on the half.
func (h *half) ofPolicy(p *Policy) []policy.Statement {
	if p.halves[h.of] == nil {
		kept := h.bearing(p.Statements)
		for i := range kept {
			kept[i].At.Source = source(p.id)
		}
		p.halves[h.of] = &kept
	}
	return *p.halves[h.of]
}

// reduced is the policies of some principals, without the statements that bear on nothing.
type reduced struct {
	set   policy.Set
	cuts  []int  // columns that tell its items apart
	pairs []test // conditions that compare a tag of an item with values of the caller
	// caller has what of the caller its statements turn on.
	caller struct {
		values []string // keys whose values do
		tests  []test
	}
	key string // of its groups
}

// test is a condition of which it matters whether it holds, and nothing else of its key.
type test struct {
	statement *policy.Statement
	condition policy.Condition
	key       string   // in lower case
	variables []string // keys that stand in its values
}

// holds reports whether the condition holds.
func (t test) holds(c policy.Context) bool {
	return !slices.ContainsFunc(t.statement.Unmet(c), func(u policy.Unmet) bool {
		return u.Operator == t.condition.Operator && u.Key == t.condition.Key
	})
}

// tagOf is the tag that a condition key in lower case is about.
func tagOf(key string) string { return key[strings.IndexByte(key, '/')+1:] }

// groupOf returns the group of a principal.
func (h *half) groupOf(i int) int {
	p := &h.account.Principals[i]
	set := h.reduce(p)
	key := set.key + h.callerKey(set, p.Caller)
	g, ok := h.known[key]
	if !ok {
		g = len(h.groups)
		h.known[key] = g
		h.groups = append(h.groups, group{set, i})
	}
	return g
}

// reduce returns the policies of a principal without the statements that bear on nothing.
func (h *half) reduce(p *Principal) *reduced {
	var ids []int
	for _, at := range p.Identity {
		if len(h.ofPolicy(at.Policy)) > 0 {
			ids = append(ids, at.Policy.id)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	bound := -1
	if p.Boundary != nil && len(h.ofPolicy(p.Boundary.Policy)) > 0 {
		bound = p.Boundary.Policy.id
	}
	var b []byte
	for _, id := range ids {
		b = binary.AppendUvarint(b, uint64(id))
	}
	b = fmt.Appendf(b, "|%d %t %t %v|", bound, p.Bounded, p.Linked, p.Partial)
	if set, ok := h.sets[string(b)]; ok {
		return set
	}
	set := &reduced{set: h.account.layers(p), key: strconv.Itoa(len(h.sets)) + " "}
	h.sets[string(b)] = set
	for _, id := range ids {
		set.set.Identity = append(set.set.Identity, h.ofPolicy(h.policies[id])...)
	}
	if bound >= 0 {
		set.set.Boundary = append(set.set.Boundary, h.ofPolicy(h.policies[bound])...)
	}
	set.set.SCP, set.set.Endpoint = h.scp[p.Linked], h.endpoint
	h.look(set)
	return set
}

// look finds what the statements of a set turn on.
func (h *half) look(set *reduced) {
	cuts := map[int]bool{h.columns.ofShapes(): true}
	values := make(map[string]bool)
	names := func(key string) {
		switch lower := strings.ToLower(key); {
		case guard.IsTagKey(key):
			cuts[h.columns.ofTag(tagOf(lower))] = true
		case ofCaller(lower):
			values[lower] = true
		}
	}
	variables := func(texts []string) (keys []string) {
		for _, text := range texts {
			for _, inside := range guard.Variables(text) {
				key, _, _ := strings.Cut(inside, ",")
				keys = append(keys, strings.TrimSpace(key))
				names(keys[len(keys)-1])
			}
		}
		return keys
	}
	for _, layer := range guard.LayersOf(set.set) {
		for i := range layer.Statements {
			s := &layer.Statements[i]
			cuts[h.columns.ofResources(s)] = true
			variables(s.Resources())
			variables(s.NotResources())
			for _, c := range s.Conditions() {
				t := test{s, c, strings.ToLower(c.Key), variables(c.Values)}
				caller := !slices.ContainsFunc(t.variables, func(key string) bool { return !ofCaller(strings.ToLower(key)) })
				switch tag := guard.IsTagKey(c.Key); {
				case tag && len(t.variables) == 0:
					cuts[h.columnOf(t)] = true
				case tag && caller:
					set.pairs = append(set.pairs, t)
				case len(t.variables) == 0 && ofOnlyOne(t.key):
					set.caller.tests = append(set.caller.tests, t)
				default:
					names(c.Key)
				}
			}
		}
	}
	set.caller.values = slices.Sorted(maps.Keys(values))
	set.cuts = slices.Sorted(maps.Keys(cuts))
}

// columnOf returns the column of a condition on a tag that compares it with texts alone.
func (h *half) columnOf(t test) int {
	name := fmt.Sprintf("condition %q %s %q", t.condition.Operator, t.key, t.condition.Values)
	if at, ok := h.columns.byKey[name]; ok {
		return at
	}
	return h.columns.keep(name, h.columns.ofCondition(tagOf(t.key), func(value string, has bool) bool {
		var context policy.Context
		if has {
			context.Set(t.condition.Key, value)
		}
		return t.holds(context)
	}))
}

// The condition keys that differ between callers of one kind.
const (
	principalARN = "aws:principalarn"
	userName     = "aws:username"
	userID       = "aws:userid"
	principalTag = "aws:principaltag/"
)

// ofOnlyOne reports whether hardly two callers have the same value for a key.
func ofOnlyOne(key string) bool { return key == principalARN || key == userName || key == userID }

func ofCaller(key string) bool { return ofOnlyOne(key) || strings.HasPrefix(key, principalTag) }

// callerKey writes what of a caller the verdicts of a set turn on.
func (h *half) callerKey(set *reduced, c guard.Caller) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %q", c.Kind(), c.MFA, c.Unknown)
	for _, key := range set.caller.values {
		fmt.Fprintf(&b, " %q", valueOf(c, key))
	}
	for _, t := range set.caller.tests {
		value := valueOf(c, t.key)
		if len(value) == 0 {
			b.WriteByte('-')
			continue
		}
		var context policy.Context
		context.Set(t.condition.Key, value[0])
		fmt.Fprint(&b, map[bool]int{true: 1}[t.holds(context)])
	}
	return b.String()
}

// valueOf returns the value of a key of the caller, or all of tags whose keys differ by case;
// none where there is none, or it is not known.
func valueOf(c guard.Caller, key string) (values []string) {
	add := func(value string) {
		if value != "" {
			values = append(values, value)
		}
	}
	switch key {
	case principalARN:
		add(c.Principal)
	case userName:
		add(c.UserName())
	case userID:
		add(c.UserID)
	default:
		return tagValues(c.Tags, strings.TrimPrefix(key, principalTag))
	}
	return values
}

// tagValues returns the values of the tags that are one key to IAM, each with its spelling if
// they are several.
func tagValues(tags map[string]string, lower string) (values []string) {
	for key, value := range tags {
		if strings.ToLower(key) == lower {
			values = append(values, "="+value)
			if len(values) > 1 {
				return severalTags(tags, lower)
			}
		}
	}
	return values
}

func severalTags(tags map[string]string, lower string) (values []string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if strings.ToLower(key) == lower {
			values = append(values, key+"="+tags[key])
		}
	}
	return values
}
