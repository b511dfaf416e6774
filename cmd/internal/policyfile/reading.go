package policyfile

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// File is a policy that is in no account yet.
type File struct {
	Kind policy.Kind
	Path string
	Bare bool   // a statement alone will do, as a fix prints it
	Text []byte // of standard input, which Path names then; nil for what the file at Path has
}

// fileTexts is what a file of policies holds.
type fileTexts struct {
	documents []policyText
	unread    []unreadPolicy
	leftOut   []string // names of policies that do not belong to the caller
	owners    owners

	parameters []string // that can be stated
}

type policyText struct {
	name       string
	node       string           // where it hangs in the graph of owners
	again      bool             // the same text stands before it
	used       bool             // the same text stands after it, and this one is no more than its source
	text       guard.PolicyText // as it stands in the file; zero where it is put together from parts
	statements []policy.Statement
	warnings   []policy.Warning // of the parser, about the text at its own lines
}

// unreadPolicy is a policy that bears on the caller, or may, and is not in the file.
type unreadPolicy struct {
	kind policy.Kind
	why  string // "aws_iam_policy.dev is known only after apply"
	node string // where it hangs in the graph of owners; "" if it bears on everyone
	held string // the node of the policy that it is, where that is known for certain

	fault error // what IAM would refuse it for; nil for a policy that may be none
}

// unreadBoundary is the permissions boundary of a principal, which may be the policy at a
// node of the same file.
func unreadBoundary(shown, node, held string) unreadPolicy {
	return unreadPolicy{kind: policy.Boundary, why: shown + " has a permissions boundary; give its text with --boundary FILE", node: node, held: held}
}

// Reading is what files of policies say together.
type Reading struct {
	Set      policy.Set
	doubtful []doubtful // identity policies that may be the caller's
	unread   []string   // one line for each policy that was not read
	leftOut  []string   // one line for each file with policies that do not belong to the caller
	others   []string   // one line for each file whose policies belong to other principals, too
	files    []readFile
}

// readFile is a file of policies with what it holds.
type readFile struct {
	File
	fileTexts
}

// doubtful are the policies of a file that does not say whose they are.
type doubtful struct {
	path      string
	documents []policyText
	caller    string // role/dev, who may have none of them; "" if the caller has one at least
}

// Accounts are those in which the policies name targets and documents of sessions.
func (r Reading) Accounts() []string {
	return r.places(guard.FieldAccount, func(account string) bool {
		return len(account) == 12 && strings.Trim(account, "0123456789") == ""
	})
}

// Partition is the one in which the policies name targets and documents of sessions, "" if
// they name none or several.
func (r Reading) Partition() string {
	all := r.places(guard.FieldPartition, func(partition string) bool { return len(guard.Regions(partition)) > 0 })
	if len(all) != 1 {
		return ""
	}
	return all[0]
}

// places are the values of one field in the ARNs of what the policies say about starting
// sessions, as far as they are what is looked for.
func (r Reading) places(field int, is func(string) bool) []string {
	var list []string
	all := r.Set
	for _, d := range r.doubtful {
		for _, doc := range d.documents {
			all.Identity = slices.Concat(all.Identity, doc.statements)
		}
	}
	for _, l := range guard.LayersOf(all) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(guard.ActionStart) {
				continue
			}
			for _, arn := range slices.Concat(s.Resources(), s.NotResources()) {
				if value := guard.ArnField(arn, field); is(value) && !slices.Contains(list, value) {
					list = append(list, value)
				}
			}
		}
	}
	return list
}

// in says of which policies it is not known whether the caller has them.
func (d doubtful) in() string {
	if d.caller != "" {
		return fmt.Sprintf("%s: nothing says for certain whether %s has these policies", d.path, d.caller)
	}
	return fmt.Sprintf("%s: nothing says which of its policies the caller has", d.path)
}

// Read reads files into the layers they belong to. All SCP files form
// one level, as if attached to the same account, and so do RCP files. Account and partition of
// known.Caller, if it is not zero, are those of templates. A parameter that no template has is
// an error.
func Read(files []File, known Known) (Reading, error) {
	var list []readFile
	var parameters []string
	for _, f := range files {
		texts, err := f.read(known)
		if err != nil {
			return Reading{}, err
		}
		list = append(list, readFile{f, texts})
		parameters = append(parameters, texts.parameters...)
	}
	for _, name := range slices.Sorted(maps.Keys(known.Parameters)) {
		if !slices.Contains(parameters, name) {
			hint := ""
			if near := spelling.Nearest(name, parameters); near != "" {
				hint = "; did you mean " + safetext.Line(near) + "?"
			}
			return Reading{}, fmt.Errorf("--template-parameter %s: no template has this parameter%s", safetext.Line(name), hint)
		}
	}
	return gather(list, nil), nil
}

// gather puts the policies of files together. Of a file that knows one of the names
// of the caller, it takes the policies that are the caller's.
func gather(files []readFile, caller []string) Reading {
	r := Reading{files: files}
	given := slices.ContainsFunc(files, func(f readFile) bool { return f.Kind == policy.Boundary })
	for _, f := range files {
		if len(f.leftOut) > 0 {
			r.leftOut = append(r.leftOut, fmt.Sprintf("%s: left out, as they are no %s policies: %s", f.Path, f.Kind, strings.Join(f.leftOut, ", ")))
		}
		own, tied := f.owned(caller)
		distinct := slices.DeleteFunc(slices.Clone(f.documents), func(d policyText) bool { return d.again })
		whole := true
		for _, u := range own.unread {
			if u.kind == policy.Boundary && f.Kind == policy.Identity && given {
				continue // its text was given
			}
			r.Lack(u.kind, f.Path+": "+u.why)
			whole = whole && u.kind != f.Kind
		}
		r.Add(f.Kind, []policy.Statement{}) // the layer exists
		for _, d := range own.boundary {
			if !given {
				r.Add(policy.Boundary, d.statements)
			}
		}
		switch {
		case tied != "":
			for _, d := range own.certain {
				r.Add(f.Kind, d.statements)
			}
			if len(own.possible) > 0 {
				r.doubtful = append(r.doubtful, doubtful{f.Path, own.possible, tied})
			}
			if len(own.others) > 0 {
				r.others = append(r.others, fmt.Sprintf("%s: left out, as they are not policies of %s: %s", f.Path, tied, policyNames(own.others)))
			}
		case len(distinct) == 1 && whole:
			r.Add(f.Kind, distinct[0].statements)
		case len(distinct) > 1 && f.Kind == policy.Identity:
			r.doubtful = append(r.doubtful, doubtful{f.Path, distinct, ""})
		case len(distinct) > 1:
			r.Lack(f.Kind, fmt.Sprintf("%s: nothing says which of its policies is the %s policy: %s", f.Path, f.Kind, policyNames(distinct)))
		}
	}
	return r
}

// of returns the same files as read for one caller.
func (r Reading) of(c guard.Caller) Reading {
	own := gather(r.files, principalNames(c))
	own.Set.Root = r.Set.Root
	return own
}

// Lack notes that a layer is not whole, and why.
func (r *Reading) Lack(kind policy.Kind, why string) {
	r.unread = append(r.unread, why)
	if !slices.Contains(r.Set.Partial, kind) {
		r.Set.Partial = append(r.Set.Partial, kind)
	}
}

// Add adds statements to a layer, which exists then.
func (r *Reading) Add(kind policy.Kind, statements []policy.Statement) {
	layer := r.Set.Layer(kind, 1)
	*layer = append(append([]policy.Statement{}, *layer...), statements...)
}

// Settle returns the policies to judge by, and the findings about those that
// cannot be judged by. The doubtful policies are all taken where each of them alone gives
// the same answer: then any of them together give it, too.
func (r Reading) Settle(ctx context.Context, c guard.Caller, grants []guard.Grant) (policy.Set, []guard.Finding, error) {
	if len(r.files) > 0 {
		r = r.of(c)
	}
	if len(r.doubtful) == 0 || slices.Contains(r.Set.Partial, policy.Identity) {
		set, fs := r.WithoutDoubtful()
		return set, fs, nil
	}
	same, all, err := r.agree(ctx, c, grants)
	if err != nil || !same {
		set, fs := r.WithoutDoubtful()
		return set, fs, err
	}
	fs := r.unreadFindings()
	for _, d := range r.doubtful {
		fs = append(fs, unseen(guard.Note, fmt.Sprintf("%s; the answer is the same for each: %s", d.in(), policyNames(d.documents))))
	}
	return all, fs, nil
}

// For returns the policies that are a caller's for certain, as WithoutDoubtful does.
func (r Reading) For(c guard.Caller) (policy.Set, []guard.Finding) {
	if len(r.files) > 0 {
		r = r.of(c)
	}
	return r.WithoutDoubtful()
}

// WithoutDoubtful returns the policies that are the caller's for certain, the
// identity layer as partly read where others may be the caller's, and the findings about
// those that cannot be judged by.
func (r Reading) WithoutDoubtful() (policy.Set, []guard.Finding) {
	set, fs := r.Set, r.unreadFindings()
	for _, d := range r.doubtful {
		f := unseen(guard.Warning, fmt.Sprintf("%s: %s", d.in(), policyNames(d.documents)))
		f.Fix = &guard.Fix{Text: "give the policies that the caller has, each as a file of its own: --policy FILE --policy FILE"}
		fs = append(fs, f)
	}
	if len(r.doubtful) > 0 && !slices.Contains(set.Partial, policy.Identity) {
		set.Partial = append(slices.Clone(set.Partial), policy.Identity)
	}
	return set, fs
}

func (r Reading) unreadFindings() []guard.Finding {
	var fs []guard.Finding
	for _, line := range r.unread {
		fs = append(fs, unseen(guard.Warning, line))
	}
	for _, line := range r.others {
		fs = append(fs, unseen(guard.Note, line))
	}
	return fs
}

// agree reports whether each of the doubtful policies alone gives the same answer,
// and returns the set of all of them. It is the same denial if one required grant is
// denied by each.
func (r Reading) agree(ctx context.Context, c guard.Caller, grants []guard.Grant) (same bool, all policy.Set, err error) {
	allowed := true
	denied := make(map[string]int)
	alone, count := r.Set, 0
	all = r.Set
	for _, d := range r.doubtful {
		documents := d.documents
		if d.caller != "" {
			documents = append([]policyText{{}}, documents...) // the caller may have none
		}
		for _, doc := range documents {
			count++
			alone.Identity = slices.Concat(r.Set.Identity, doc.statements)
			all.Identity = slices.Concat(all.Identity, doc.statements)
			rulings, err := guard.Local{Source: guard.Static(alone)}.Simulate(ctx, c, grants)
			if err != nil {
				return false, all, err
			}
			for _, ruling := range rulings {
				switch {
				case ruling.Grant.Advisory:
				case ruling.Answer.Verdict.Denies():
					denied[ruling.Grant.ID]++
					allowed = false
				case ruling.Answer.Verdict == policy.Unknown:
					allowed = false
				}
			}
		}
	}
	for _, n := range denied {
		same = same || n == count
	}
	return same || allowed, all, nil
}

// unseen is the finding about a policy that was not read, or is not known to be
// the caller's.
func unseen(level guard.Level, line string) guard.Finding {
	return guard.Finding{Code: "SG506", Level: level, Summary: line}
}

// Texts returns the policies that stand in files as they are, by the Source of their statements.
func (r Reading) Texts() map[string]guard.PolicyText {
	out := make(map[string]guard.PolicyText)
	for _, f := range r.files {
		for _, d := range f.documents {
			if d.text.Text != "" && len(d.statements) > 0 {
				out[d.statements[0].At.Source] = d.text
			}
		}
	}
	return out
}

// Qualify adds to a decision the findings about policies that were not read. A
// repair that was tried with all the doubtful policies together is none that was
// checked for the caller.
func (r Reading) Qualify(d guard.Decision, unread []guard.Finding) guard.Decision {
	if len(r.files) > 0 {
		r = r.of(d.Request.Caller)
	}
	for i := range d.Findings {
		if fix := d.Findings[i].Fix; fix != nil && len(r.doubtful) > 0 {
			unchecked := *fix
			unchecked.Checked, unchecked.Check, unchecked.Or = false, "", nil
			d.Findings[i].Fix = &unchecked
		}
	}
	d.Findings = slices.Concat(unread, d.Findings)
	slices.SortStableFunc(d.Findings, func(a, b guard.Finding) int { return cmp.Compare(b.Level, a.Level) })
	return d
}

// TellLeftOut names the policies that do not belong to the caller.
func (r Reading) TellLeftOut(stderr io.Writer) {
	for _, line := range r.leftOut {
		safetext.Fprintf(stderr, "ssmguard: %s\n", line)
	}
}

// TellUnread names the policies that were not read, or are doubtful, once for all
// the callers who ask.
func (r Reading) TellUnread(stderr io.Writer, callers []guard.Caller) {
	told := make(map[string]bool)
	for _, c := range callers {
		_, fs := r.of(c).WithoutDoubtful()
		for _, f := range fs {
			if !told[f.Summary] {
				safetext.Fprintf(stderr, "ssmguard: %s: %s\n", f.Level, f.Summary)
			}
			told[f.Summary] = true
		}
	}
}

// policyNames lists policies, the first of them if they are many.
func policyNames(documents []policyText) string {
	const most = 12
	var list []string
	for i, d := range documents {
		if i == most-1 && len(documents) > most {
			return fmt.Sprintf("%s and %d more", strings.Join(list, ", "), len(documents)-i)
		}
		list = append(list, d.name)
	}
	return strings.Join(list, ", ")
}

// Certain reports whether every policy that was read is the caller's for certain.
func (r Reading) Certain() bool { return len(r.doubtful) == 0 }

// AsAnybodys returns what was read as it is, whoever the caller is.
func (r Reading) AsAnybodys() Reading {
	r.files = nil
	return r
}
