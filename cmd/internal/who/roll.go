package who

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
)

// roll is who is in an account, and what they have, while its details are read: users come before
// groups, and all of them before the texts of managed policies.
type roll struct {
	texts   map[[sha256.Size]byte]*text
	managed map[string]*text // by ARN
	groups  map[string]*owner
	people  []*owner
	seen    map[string]bool
	words   map[string]string // names that many have, once each
	missing []string          // what of the account is not on the roll
	account string            // partition and account of the first ARN
	foreign string            // an ARN of another account
}

// text is the text of a policy.
type text struct {
	policy reach.Policy
	fault  string // why it is none; "" for one that was read
}

// owner is a user, a role or a group.
type owner struct {
	kind, name, arn, id string
	tags                map[string]string
	inline              []held
	attached            []string // ARNs
	groups              []string
	boundary            string // ARN
	trusts              []string
	tagged              bool // its sessions may have tags of their own
}

// held is an inline policy.
type held struct {
	name string
	text *text
}

func newRoll() *roll {
	return &roll{texts: make(map[[sha256.Size]byte]*text), managed: make(map[string]*text), groups: make(map[string]*owner), seen: make(map[string]bool), words: make(map[string]string)}
}

// word returns a text that is kept once.
func (r *roll) word(s string) string {
	if known, ok := r.words[s]; ok {
		return known
	}
	s = strings.Clone(s)
	r.words[s] = s
	return s
}

// lists are the lists of the details that are read.
func (r *roll) lists() map[string]func(*json.Decoder) error {
	owners := func(kind string) func(*json.Decoder) error {
		n := 0
		return element(func(a awsiam.Authorized) { n++; r.owner(kind, a) }, func(err error) {
			n++
			r.miss(safetext.Sprintf("%s %d of the details: %v", kind, n, err))
		})
	}
	n := 0
	return map[string]func(*json.Decoder) error{
		"UserDetailList": owners("user"), "GroupDetailList": owners("group"), "RoleDetailList": owners("role"),
		"Policies": element(func(m awsiam.ManagedTexts) { n++; r.policy(m) }, func(err error) {
			n++
			r.miss(safetext.Sprintf("managed policy %d of the details: %v", n, err))
		}),
	}
}

// details takes a page of IAM's answer.
func (r *roll) details(d awsiam.AccountDetails) {
	for kind, list := range map[string][]awsiam.Authorized{"user": d.Users, "group": d.Groups, "role": d.Roles} {
		for _, a := range list {
			r.owner(kind, a)
		}
	}
	for _, m := range d.Policies {
		r.policy(m)
	}
}

// miss notes what is not on the roll.
func (r *roll) miss(what string) {
	if !slices.Contains(r.missing, what) {
		r.missing = append(r.missing, what)
	}
}

// owner takes a user, a group or a role.
func (r *roll) owner(kind string, a awsiam.Authorized) {
	o := &owner{kind: kind, name: cmp.Or(a.UserName, a.GroupName, a.RoleName), arn: a.Arn, boundary: r.word(a.Boundary.Arn)}
	if guard.ArnField(o.arn, guard.FieldAccount) == "" || o.name == "" {
		r.miss(safetext.Sprintf("a %s without a name or an ARN: %s", kind, cmp.Or(o.arn, o.name, "nothing is said of it")))
		return
	}
	if r.seen[o.arn] {
		return // of a page that was given twice
	}
	r.seen[o.arn] = true
	account := guard.ArnField(o.arn, guard.FieldPartition) + ":" + guard.ArnField(o.arn, guard.FieldAccount)
	if r.account == "" {
		r.account = account
	}
	if account != r.account {
		r.foreign = cmp.Or(r.foreign, o.arn)
		return
	}
	for _, i := range slices.Concat(a.UserInline, a.GroupInline, a.RoleInline) {
		o.inline = append(o.inline, held{r.word(i.PolicyName), r.text(i.PolicyDocument)})
	}
	for _, at := range a.Attached {
		o.attached = append(o.attached, r.word(at.PolicyArn))
	}
	if kind == "group" {
		r.groups[o.name] = o
		return
	}
	for _, g := range a.MemberOf {
		o.groups = append(o.groups, r.word(g))
	}
	for _, t := range a.Tags {
		if o.tags == nil {
			o.tags = make(map[string]string)
		}
		o.tags[r.word(t.Key)] = r.word(t.Value)
	}
	if kind == "user" {
		o.id = a.UserID
	} else {
		o.trusts, o.tagged = r.trust(a.Trust)
	}
	r.people = append(r.people, o)
}

// policy takes a managed policy.
func (r *roll) policy(m awsiam.ManagedTexts) {
	if m.Arn == "" {
		r.miss("a managed policy without an ARN")
		return
	}
	if t := m.Text(); t != "" {
		r.managed[r.word(m.Arn)] = r.text(t)
	}
}

// text reads a policy, of which many have the same. What says nothing of starting sessions is not
// kept.
func (r *roll) text(t awsiam.PolicyText) *text {
	sum := sha256.Sum256([]byte(t))
	if known := r.texts[sum]; known != nil {
		return known
	}
	out := new(text)
	r.texts[sum] = out
	d, err := policy.Parse(policy.Identity, "policy", []byte(t))
	if err != nil {
		out.fault = strings.TrimPrefix(err.Error(), "policy:")
		return out
	}
	for i := range d.Statements {
		if s := &d.Statements[i]; s.MatchesAction(guard.ActionStart) {
			out.policy.Statements = append(out.policy.Statements, *s)
		}
	}
	return out
}

// trustStatement is what is shown of a statement of a trust policy.
type trustStatement struct {
	Effect            string
	Principal         any
	Action, NotAction any
}

// trust returns whom a role trusts, and whether they may give its sessions tags: sts:TagSession has
// to be allowed by the trust policy. docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (r *roll) trust(t awsiam.PolicyText) (trusts []string, tagged bool) {
	var one struct{ Statement trustStatement }
	var many struct{ Statement []trustStatement }
	if json.Unmarshal([]byte(t), &many) != nil {
		if json.Unmarshal([]byte(t), &one) != nil {
			return nil, true
		}
		many.Statement = []trustStatement{one.Statement}
	}
	for _, s := range many.Statement {
		if s.Effect != "Allow" {
			continue
		}
		tagged = tagged || s.NotAction != nil || slices.ContainsFunc(texts(s.Action), func(pattern string) bool {
			return policy.Wild(strings.ToLower(pattern), "sts:tagsession")
		})
		kinds, ok := s.Principal.(map[string]any)
		if !ok {
			kinds = map[string]any{"": s.Principal}
		}
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			for _, who := range texts(kinds[kind]) {
				if !slices.Contains(trusts, who) {
					trusts = append(trusts, r.word(who))
				}
			}
		}
	}
	return trusts, tagged
}

// texts returns a text, or those of a list.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			all = append(all, texts(one)...)
		}
	}
	return all
}

// person is a principal with what is told of it.
type person struct {
	reach.Principal
	trusts []string
	unread []string // what it has, or may have, that could not be read
}

// principals returns the users and roles, in the order of their names, each with its policies.
func (r *roll) principals() []person {
	slices.SortStableFunc(r.people, func(a, b *owner) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) })
	all := make([]person, 0, len(r.people))
	for _, o := range r.people {
		all = append(all, r.person(o))
	}
	return all
}

// person puts together what a user or a role has.
func (r *roll) person(o *owner) person {
	p := person{trusts: o.trusts}
	p.Caller = o.caller()
	p.Linked = o.kind == "role" && strings.Contains(o.arn, ":role/aws-service-role/")
	lack := func(kind policy.Kind, why string) {
		p.unread = append(p.unread, why)
		if !slices.Contains(p.Partial, kind) {
			p.Partial = append(p.Partial, kind)
		}
	}
	take := func(of *owner, in string) {
		for _, h := range of.inline {
			name := fmt.Sprintf("%sinline %q", in, h.name)
			if h.text.fault != "" {
				lack(policy.Identity, safetext.Sprintf("%s is no policy, at %s", r.word(name), h.text.fault))
				continue
			}
			p.Identity = append(p.Identity, reach.Attachment{Policy: &h.text.policy, Name: r.word(name)})
		}
		for _, arn := range of.attached {
			name := in + "managed " + policyName(arn)
			switch t := r.managed[arn]; {
			case t == nil:
				lack(policy.Identity, safetext.Sprintf("%s: the account's details have no text of %s", name, arn))
			case t.fault != "":
				lack(policy.Identity, safetext.Sprintf("%s is no policy, at %s", name, t.fault))
			default:
				p.Identity = append(p.Identity, reach.Attachment{Policy: &t.policy, Name: r.word(name)})
			}
		}
	}
	take(o, "")
	for _, name := range o.groups {
		if g := r.groups[name]; g != nil {
			take(g, "group/"+name+", ")
		} else {
			lack(policy.Identity, safetext.Sprintf("group/%s is not in the account's details", name))
		}
	}
	if o.boundary != "" {
		p.Bounded = true
		switch t := r.managed[o.boundary]; {
		case t == nil:
			lack(policy.Boundary, safetext.Sprintf("boundary %s: the account's details have no text of %s", policyName(o.boundary), o.boundary))
		case t.fault != "":
			lack(policy.Boundary, safetext.Sprintf("boundary %s is no policy, at %s", policyName(o.boundary), t.fault))
		default:
			p.Boundary = &reach.Attachment{Policy: &t.policy, Name: r.word("boundary " + policyName(o.boundary))}
		}
	}
	return p
}

// policyName is the name at the end of a policy's ARN.
func policyName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// What is not known of callers: nobody knows with which credentials a user calls.
var (
	ofUsers       = []string{guard.UnknownCredentials}
	ofTaggedRoles = []string{guard.UnknownCredentials, guard.UnknownSessionTags}
)

// caller is the owner as one who calls: a role by a session of it.
func (o *owner) caller() guard.Caller {
	c := guard.Caller{SessionARN: o.arn, Principal: o.arn, Account: guard.ArnField(o.arn, guard.FieldAccount), Partition: guard.ArnField(o.arn, guard.FieldPartition),
		UserID: o.id, Tags: o.tags, Unknown: ofUsers}
	if o.kind == "role" {
		c.SessionARN = "arn:" + c.Partition + ":sts::" + c.Account + ":assumed-role/" + o.name + "/session"
		if o.tagged {
			c.Unknown = ofTaggedRoles
		}
	}
	return c
}
