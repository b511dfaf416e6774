package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
)

// Reach is who can open what in an account.
type Reach struct {
	Account      *reach.Account
	People       []ReachPerson // beside Account.Principals
	Names        []string      // of Account.Targets, "" for those without
	OfPrincipals bool          // it is asked of principals what they can open, not of targets who can
	Denied       bool          // tell of denials, too
	Notes        []string      // what was not looked at
	Missing      []string      // what of the account could not be read
}

// ReachPerson is what is told of a principal beside its answers.
type ReachPerson struct {
	Trusts []string // whom a role trusts
	Unread []string // what it has, or may have, that could not be read
}

// reachAnswer is one answer, on the sessions of some principals on some targets with some
// documents.
type reachAnswer struct {
	verdict    policy.Verdict
	principals []int
	targets    []int
	documents  []int
	region     string
	because    []reachReason
	lacking    []policy.Kind // layers that do not allow it
	open       []string      // keys and layers, as policy.Answer has them
}

// reachReason is a statement that allows or denies a part of a session.
type reachReason struct {
	grant  string // of a session: guard.GrantTarget, guard.GrantDocument
	layer  policy.Kind
	policy string
	at     policy.Pos
}

func (r reachReason) String() string {
	at := r.at
	at.Source = r.policy
	return at.String()
}

// reachCounts is how many sessions have which verdict.
type reachCounts struct {
	Principals int `json:"principals"`
	Targets    int `json:"targets"`
	Documents  int `json:"documents"`
	Requests   int `json:"requests"`
	Allowed    int `json:"allowed"`
	Denied     int `json:"denied"`
	Undecided  int `json:"undecided"`
}

// reachWriter writes answers, group by group.
type reachWriter interface {
	answer(reachAnswer) error
	group(reach.Group) error
	close(reachCounts) error
}

// WriteReach decides and writes who can open what, as text, json, csv or html. whole is false if
// an answer is undecided, or if something of the account could not be read.
func WriteReach(out io.Writer, format string, r Reach) (whole bool, err error) {
	buffered := bufio.NewWriterSize(out, 64<<10)
	var w reachWriter
	switch format {
	case "json":
		w = newReachJSON(buffered, &r)
	case "csv":
		w = newReachCSV(buffered, &r)
	case "html":
		w = newReachHTML(buffered, &r)
	default:
		w = newReachText(buffered, &r)
	}
	a := r.Account
	counts := reachCounts{Principals: len(a.Principals), Targets: len(a.Targets), Documents: len(a.Documents)}
	counts.Requests = counts.Principals * counts.Targets * counts.Documents
	err = a.Decide(func(g reach.Group) error {
		if err := w.group(g); err != nil {
			return err
		}
		return r.answers(g, &counts, w.answer)
	})
	if err == nil {
		err = w.close(counts)
	}
	if err == nil {
		err = buffered.Flush()
	}
	return counts.Undecided == 0 && len(r.Missing) == 0, err
}

// answers takes a group's answers apart until each is one verdict by the same statements, and
// counts them.
func (r *Reach) answers(g reach.Group, counts *reachCounts, each func(reachAnswer) error) error {
	for _, block := range g.Blocks {
		for _, t := range block.Targets {
			for _, d := range block.Documents {
				a := reachAnswer{verdict: reach.Session(t.Answer.Verdict, d.Answer.Verdict), targets: t.Items, documents: d.Items, region: block.Region}
				n := len(g.Principals) * len(t.Items) * len(d.Items)
				switch {
				case a.verdict == policy.Allow:
					counts.Allowed += n
				case a.verdict == policy.Unknown:
					counts.Undecided += n
				default:
					counts.Denied += n
					if !r.Denied {
						continue
					}
				}
				var by []sided
				for _, side := range []struct {
					grant  string
					answer reach.Answer
				}{{guard.GrantTarget, t.Answer}, {guard.GrantDocument, d.Answer}} {
					if side.answer.Verdict == a.verdict || a.verdict == policy.Unknown {
						for _, reason := range side.answer.By {
							by = append(by, sided{side.grant, reason})
						}
						a.lacking, a.open = joined(a.lacking, side.answer.Lacking), joined(a.open, side.answer.Open)
					}
				}
				for _, same := range r.named(g.Principals, by) {
					a.principals, a.because = same.principals, same.because
					if err := each(a); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// sided is a statement that decides on one of the grants of a session.
type sided struct {
	grant  string
	reason reach.Reason
}

// sameNames are principals who have the deciding policies by the same names.
type sameNames struct {
	principals []int
	because    []reachReason
}

// named sorts principals by the names by which they have the policies that decide.
func (r *Reach) named(principals []int, by []sided) (all []sameNames) {
	if len(by) == 0 {
		return []sameNames{{principals: principals}}
	}
	at := make(map[string]int)
	for _, p := range principals {
		names := make([]string, len(by))
		for i, b := range by {
			names[i] = r.Account.Principals[p].NameOf(b.reason)
		}
		key := strings.Join(names, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			var because []reachReason
			for i, b := range by {
				because = append(because, reachReason{b.grant, b.reason.Layer, names[i], b.reason.At})
			}
			all = append(all, sameNames{because: because})
		}
		all[i].principals = append(all[i].principals, p)
	}
	return all
}

// joined adds to a list what it lacks of another.
func joined[T comparable](list, more []T) []T {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(slices.Clip(list), one)
		}
	}
	return list
}

// who is a principal as people write it.
func (r *Reach) who(p int) string { return r.Account.Principals[p].Caller.Name() }

// target is a target as people write it.
func (r *Reach) target(t int) string {
	id, name := r.Account.Targets[t].ID, ""
	if t < len(r.Names) {
		name = r.Names[t]
	}
	if name == "" {
		return id
	}
	return id + " (" + name + ")"
}

func (r *Reach) document(d int) string {
	return cmp.Or(r.Account.Documents[d].Name, guard.DefaultDocument)
}

// documents writes the documents of an answer.
func (r *Reach) documents(a reachAnswer) string {
	if n := len(r.Account.Documents); len(a.documents) == n && n > 1 {
		return "every document"
	}
	return some(a.documents, r.document, 12)
}

// some writes the first of a list.
func some(list []int, text func(int) string, most int) string {
	var all []string
	for i, one := range list {
		if i == most-1 && len(list) > most {
			return strings.Join(all, ", ") + fmt.Sprintf(" and %d more", len(list)-i)
		}
		all = append(all, text(one))
	}
	return strings.Join(all, ", ")
}

// reasons writes why an answer is as it is.
func (r *Reach) reasons(a reachAnswer) string {
	switch {
	case a.verdict == policy.Unknown && (len(a.because) == 0 || slices.ContainsFunc(a.open, func(on string) bool { return strings.Contains(on, ":") })):
		return "turns on " + guard.Join(r.openWords(a), "and")
	case a.verdict == policy.Unknown:
		return "turns on " + guard.Join(r.openWords(a), "and") + "; else allowed, " + byWhich(a)
	case len(a.because) == 0 && len(a.lacking) == 0:
		return "no statement allows it"
	case len(a.because) == 0:
		var layers []string
		for _, k := range a.lacking {
			layers = append(layers, guard.Title(k))
		}
		return "no statement allows it: " + strings.Join(layers, ", ")
	}
	return byWhich(a)
}

// byWhich writes the statements that decide.
func byWhich(a reachAnswer) string {
	target, document := statements(a.because, guard.GrantTarget), statements(a.because, guard.GrantDocument)
	switch {
	case target == document:
		return "by " + target
	case document == "":
		return "target by " + target
	case target == "":
		return "document by " + document
	}
	return "target by " + target + "; document by " + document
}

// openWords are what an answer turns on, as people call it.
func (r *Reach) openWords(a reachAnswer) []string {
	keys, layers := guard.SplitDepends(a.open)
	return slices.Concat(keys, layers)
}

// statements writes the statements that decide on one grant.
func statements(because []reachReason, grant string) string {
	var all []string
	for _, b := range because {
		if text := b.String(); b.grant == grant && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

// unread is what of some principals could not be read, each once.
func (r *Reach) unread(principals []int) (all []string) {
	for _, p := range principals {
		all = joined(all, r.People[p].Unread)
	}
	return all
}

// summary is the answer in a sentence.
func (r *Reach) summary(c reachCounts) string {
	a := r.Account
	targets, documents := counted(c.Targets, "target"), counted(c.Documents, "document")
	if c.Targets == 1 {
		targets = r.target(0)
	}
	if c.Documents == 1 {
		documents = r.document(0)
	}
	who := counted(c.Principals, "user or role", "users and roles")
	if c.Principals == 1 {
		who = r.who(0)
	}
	place := ""
	if c.Principals > 0 {
		place = " of " + a.Principals[0].Caller.Account
	}
	return fmt.Sprintf("%s%s, %s, %s: %d allowed, %d undecided, %d denied", who, place, targets, documents, c.Allowed, c.Undecided, c.Denied)
}

// counted writes a number of things.
func counted(n int, one string, many ...string) string {
	word := one
	if n != 1 {
		word = one + "s"
		if many != nil {
			word = many[0]
		}
	}
	return fmt.Sprintf("%d %s", n, word)
}

// reachText writes answers for people: by who may open what, or by what somebody may open.
type reachText struct {
	w     io.Writer
	reach *Reach
	items []reachItem
}

// reachItem is one answer as text: whom it is about, the targets, or the other way round, then the
// documents with the reasons, and what is told once for all documents.
type reachItem struct {
	verdict                 policy.Verdict
	head, below, text, tail string
}

func newReachText(w io.Writer, r *Reach) *reachText { return &reachText{w: w, reach: r} }

func (t *reachText) group(reach.Group) error { return nil }

// verdictSigns mark verdicts without colour.
var verdictSigns = map[policy.Verdict]string{policy.Allow: "✓", policy.Unknown: "?", policy.ImplicitDeny: "✗", policy.ExplicitDeny: "✗"}

func (t *reachText) answer(a reachAnswer) error {
	const most = 8
	r := t.reach
	item := reachItem{verdict: a.verdict, head: some(a.principals, r.who, 40), below: some(a.targets, r.target, most)}
	asked := len(r.Account.Targets) == 1
	if r.OfPrincipals {
		item.head, item.below = some(a.targets, r.target, 40), some(a.principals, r.who, most)
		asked = len(r.Account.Principals) == 1
	}
	if asked {
		item.below = ""
	}
	var b strings.Builder
	if len(r.Account.Documents) > 1 {
		safetext.Fprintf(&b, "    %s\n        %s\n", r.documents(a), r.reasons(a))
	} else {
		safetext.Fprintf(&b, "    %s\n", r.reasons(a))
	}
	item.text = b.String()
	b.Reset()
	if a.verdict == policy.Unknown {
		for _, what := range first(r.unread(a.principals), most) {
			safetext.Fprintf(&b, "    not read: %s\n", what)
		}
	}
	if trusts := t.trusts(a); trusts != "" && !r.OfPrincipals && !a.verdict.Denies() {
		safetext.Fprintf(&b, "    %s\n", trusts)
	}
	item.tail = b.String()
	t.items = append(t.items, item)
	return nil
}

// trusts says whom the roles of an answer trust.
func (t *reachText) trusts(a reachAnswer) string {
	var all []string
	for _, p := range a.principals {
		all = joined(all, t.reach.People[p].Trusts)
	}
	if len(all) == 0 {
		return ""
	}
	return "trusted by the role: " + strings.Join(first(all, 6), ", ")
}

// first returns the first of a list, and a word on how many more there are.
func first(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most-1]), fmt.Sprintf("and %d more", len(list)-most+1))
}

// verdictOrder is the order in which verdicts are told.
var verdictOrder = []policy.Verdict{policy.Allow, policy.Unknown, policy.ImplicitDeny, policy.ExplicitDeny}

func (t *reachText) close(c reachCounts) error {
	about := func(a, b reachItem) int {
		return cmp.Or(cmp.Compare(slices.Index(verdictOrder, a.verdict), slices.Index(verdictOrder, b.verdict)), cmp.Compare(a.head, b.head), cmp.Compare(a.below, b.below), cmp.Compare(a.tail, b.tail))
	}
	slices.SortStableFunc(t.items, func(a, b reachItem) int { return cmp.Or(about(a, b), cmp.Compare(a.text, b.text)) })
	safetext.Fprintf(t.w, "%s\n", t.reach.summary(c))
	for i, item := range t.items {
		if i == 0 || about(t.items[i-1], item) != 0 {
			safetext.Fprintf(t.w, "\n%s %s\n", safetext.Own(verdictSigns[item.verdict]), item.head)
			if item.below != "" {
				safetext.Fprintf(t.w, "    %s\n", item.below)
			}
		}
		text := item.text
		if i+1 == len(t.items) || about(item, t.items[i+1]) != 0 {
			text += item.tail
		}
		if _, err := safetext.Fprintf(t.w, "%s", safetext.Own(text)); err != nil {
			return err
		}
	}
	if len(t.items) == 0 && c.Requests > 0 {
		safetext.Fprintf(t.w, "\nnobody may open any of it\n")
	}
	for _, part := range []struct {
		title safetext.Own
		lines []string
	}{{"could not be read", t.reach.Missing}, {"note", t.reach.Notes}} {
		if len(part.lines) > 0 {
			safetext.Fprintf(t.w, "\n")
		}
		for _, line := range first(part.lines, 20) {
			safetext.Fprintf(t.w, "%s: %s\n", part.title, line)
		}
	}
	return nil
}
