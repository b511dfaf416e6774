package check

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// policyFile is a policy that is in no account yet.
type policyFile struct {
	kind policy.Kind
	path string
}

// policyTexts is what a file of policies holds.
type policyTexts struct {
	documents []policyText
	unread    []unreadPolicy
	leftOut   []string // names of policies that do not belong to the caller
}

type policyText struct {
	name       string
	statements []policy.Statement
}

// unreadPolicy is a policy that bears on the caller, or may, and is not in the file.
type unreadPolicy struct {
	kind policy.Kind
	why  string // "aws_iam_policy.dev is known only after apply"
}

// policyReading is what files of policies say together.
type policyReading struct {
	set      policy.Set
	doubtful []doubtful // identity policies of which the caller has one at least
	unread   []string   // one line for each policy that was not read
	leftOut  []string   // one line for each file with policies that do not belong to the caller
}

// doubtful are the policies of a file that does not say whose they are.
type doubtful struct {
	path      string
	documents []policyText
}

// readPolicies reads files into the layers they belong to. All SCP files form
// one level, as if attached to the same account, and so do RCP files.
func readPolicies(files []policyFile) (policyReading, error) {
	var r policyReading
	bounded := slices.ContainsFunc(files, func(f policyFile) bool { return f.kind == policy.Boundary })
	for _, f := range files {
		in, err := f.read()
		if err != nil {
			return r, err
		}
		if len(in.leftOut) > 0 {
			r.leftOut = append(r.leftOut, fmt.Sprintf("%s: left out, as they are no %s policies: %s", f.path, f.kind, strings.Join(in.leftOut, ", ")))
		}
		whole := true
		for _, u := range in.unread {
			if u.kind == policy.Boundary && f.kind == policy.Identity && bounded {
				continue // its text was given
			}
			r.lack(u.kind, f.path+": "+u.why)
			whole = whole && u.kind != f.kind
		}
		switch {
		case len(in.documents) == 1 && whole:
			r.add(f.kind, in.documents[0].statements)
			continue
		case len(in.documents) > 1 && f.kind == policy.Identity:
			r.doubtful = append(r.doubtful, doubtful{f.path, in.documents})
		case len(in.documents) > 1:
			r.lack(f.kind, fmt.Sprintf("%s: nothing says which of its policies is the %s policy: %s", f.path, f.kind, policyNames(in.documents)))
		}
		r.add(f.kind, []policy.Statement{}) // the layer exists
	}
	return r, nil
}

// lack notes that a layer is not whole, and why.
func (r *policyReading) lack(kind policy.Kind, why string) {
	r.unread = append(r.unread, why)
	if !slices.Contains(r.set.Partial, kind) {
		r.set.Partial = append(r.set.Partial, kind)
	}
}

// add adds statements to a layer, which exists then.
func (r *policyReading) add(kind policy.Kind, statements []policy.Statement) {
	layer := r.set.Layer(kind, 1)
	*layer = append(append([]policy.Statement{}, *layer...), statements...)
}

// read returns the policies of a file: one document, or those in the output of
// `terraform show -json`.
func (f policyFile) read() (policyTexts, error) {
	text, err := os.ReadFile(f.path)
	switch {
	case err != nil:
		return policyTexts{}, err
	case isTerraform(text):
		return readTerraform(f.kind, f.path, text)
	case isTerraformInternal(f.path, text):
		return policyTexts{}, fmt.Errorf("%s: Terraform's own files are not read; give what \"terraform show -json\" prints of the plan or state", f.path)
	}
	doc, err := policy.Parse(f.kind, f.path, text)
	if err != nil {
		return policyTexts{}, err
	}
	return policyTexts{documents: []policyText{{f.path, doc.Statements}}}, nil
}

// settle returns the policies to judge by, and the findings about those that
// cannot be judged by. The doubtful policies are all taken where each of them alone gives
// the same answer: then any of them together give it, too.
func (r policyReading) settle(ctx context.Context, c guard.Caller, grants []guard.Grant) (policy.Set, []guard.Finding, error) {
	if len(r.doubtful) == 0 || slices.Contains(r.set.Partial, policy.Identity) {
		set, fs := r.withoutDoubtful()
		return set, fs, nil
	}
	same, all, err := r.agree(ctx, c, grants)
	if err != nil || !same {
		set, fs := r.withoutDoubtful()
		return set, fs, err
	}
	fs := r.unreadFindings()
	for _, d := range r.doubtful {
		fs = append(fs, unseen(guard.Note, fmt.Sprintf("%s: nothing says which of its policies the caller has; the answer is the same for each: %s", d.path, policyNames(d.documents))))
	}
	return all, fs, nil
}

// withoutDoubtful returns the policies that are the caller's for certain, the
// identity layer as partly read where others may be his, and the findings about
// those that cannot be judged by.
func (r policyReading) withoutDoubtful() (policy.Set, []guard.Finding) {
	set, fs := r.set, r.unreadFindings()
	for _, d := range r.doubtful {
		f := unseen(guard.Warning, fmt.Sprintf("%s: nothing says which of its policies the caller has: %s", d.path, policyNames(d.documents)))
		f.Fix = &guard.Fix{Text: "give the policies that the caller has, each as a file of its own: --policy FILE --policy FILE"}
		fs = append(fs, f)
	}
	if len(r.doubtful) > 0 && !slices.Contains(set.Partial, policy.Identity) {
		set.Partial = append(slices.Clone(set.Partial), policy.Identity)
	}
	return set, fs
}

func (r policyReading) unreadFindings() []guard.Finding {
	var fs []guard.Finding
	for _, line := range r.unread {
		fs = append(fs, unseen(guard.Warning, line))
	}
	return fs
}

// agree reports whether each of the doubtful policies alone gives the same answer,
// and returns the set of all of them. It is the same denial if one required grant is
// denied by each.
func (r policyReading) agree(ctx context.Context, c guard.Caller, grants []guard.Grant) (same bool, all policy.Set, err error) {
	allowed := true
	denied := make(map[string]int)
	alone, count := r.set, 0
	all = r.set
	for _, d := range r.doubtful {
		for _, doc := range d.documents {
			count++
			alone.Identity = slices.Concat(r.set.Identity, doc.statements)
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

// qualify adds to a decision the findings about policies that were not read. A
// repair that was tried with all the doubtful policies together is none that was
// checked for the caller.
func (r policyReading) qualify(d guard.Decision, unread []guard.Finding) guard.Decision {
	for i := range d.Findings {
		if fix := d.Findings[i].Fix; fix != nil && len(r.doubtful) > 0 {
			unchecked := *fix
			unchecked.Checked, unchecked.Check = false, ""
			d.Findings[i].Fix = &unchecked
		}
	}
	d.Findings = slices.Concat(unread, d.Findings)
	slices.SortStableFunc(d.Findings, func(a, b guard.Finding) int { return cmp.Compare(b.Level, a.Level) })
	return d
}

// tellLeftOut names the policies that do not belong to the caller.
func (r policyReading) tellLeftOut(stderr io.Writer) {
	for _, line := range r.leftOut {
		fmt.Fprintln(stderr, "ssmguard: "+line)
	}
}

// tellUnread names the policies that were not read, or are doubtful, once for all
// the requests that are asked.
func (r policyReading) tellUnread(stderr io.Writer) {
	_, fs := r.withoutDoubtful()
	for _, f := range fs {
		fmt.Fprintln(stderr, "ssmguard: warning: "+f.Summary)
	}
}

func policyNames(documents []policyText) string {
	list := make([]string, len(documents))
	for i, d := range documents {
		list[i] = d.name
	}
	return strings.Join(list, ", ")
}
