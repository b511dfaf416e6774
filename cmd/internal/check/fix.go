package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/guard/repair"
	"ssmguard/internal/private"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
)

// fixOptions say what to do with a repair of policy files.
type fixOptions struct {
	Write bool // into the files
	Diff  bool // as a patch on stdout

	Deliberate bool // also a Deny that looks deliberate
}

func (o fixOptions) asked() bool { return o.Write || o.Diff }

// checkFix says what --fix and --diff do not go with.
func (o *fileOptions) checkFix() error {
	flag := map[bool]string{true: "--fix", false: "--diff"}[o.Fix.Write]
	switch {
	case o.Fix.Deliberate && !o.Fix.Write:
		return exit.Usagef("--deliberate is for --fix; give that too")
	case !o.Fix.asked():
		return nil
	case len(o.Files) == 0:
		return exit.Usagef("%s is for policy files; give --policy FILE too", flag)
	case o.Expect != "":
		return exit.Usagef("%s goes without --expect: it exits with 0 if a repair is proven, with 3 if none is", flag)
	case o.Output != "" && o.Output != "text":
		return exit.Usagef("%s goes with --output text; the other formats have the repair", flag)
	}
	return nil
}

// errUnproven is why nothing is written.
var errUnproven = errors.New("no repair is proven that can be made in these files")

// mend makes the repair of a decision on policy files: it writes or prints it, and returns
// the exit of the command. What is not proven is neither written nor printed.
func (o *checkOptions) mend(ctx context.Context, d guard.Decision) error {
	d = repair.Merge(d)
	stdout, stderr := o.Line.Process.Stdout, o.Line.Process.Notes()
	switch v := d.Verdict(); {
	case v == policy.Unknown:
		safetext.Fprintf(stderr, "ssmguard: nothing is changed: first state what the answer turns on\n")
		return o.files.met(v)
	case v == policy.Allow && d.Fix == nil:
		return nil
	}
	fix, revisions, err := o.proven(ctx, d)
	if err != nil {
		safetext.Fprintf(stderr, "ssmguard: nothing is changed: %v\n", err)
		return o.files.met(d.Verdict())
	}
	if fix.Deliberate && !o.files.Fix.Deliberate {
		if o.files.Fix.Diff {
			for _, r := range revisions {
				printPatch(stdout, r)
			}
			safetext.Fprintf(stderr, "ssmguard: the patch changes a Deny that looks deliberate; apply it if its owner agrees\n")
		}
		if o.files.Fix.Write {
			safetext.Fprintf(stderr, "ssmguard: nothing is changed: the repair changes a Deny that looks deliberate; if its owner agrees, give --deliberate too\n")
			return o.files.met(d.Verdict())
		}
		return nil
	}
	for _, r := range revisions {
		file := r.Old.Whole && o.onDisk(r.Old.File)
		if o.files.Fix.Diff || !file {
			printPatch(stdout, r)
		}
		switch {
		case !file && o.files.Fix.Write:
			safetext.Fprintf(stderr, "ssmguard: %s is not written, as no file has this policy by itself; make the change where it comes from\n", r.Source)
		case file && o.files.Fix.Write:
			if err := rewrite(r.Old.File, r.Old.Text, r.New.Text); err != nil {
				return exit.WithCode(err, exit.Config)
			}
			safetext.Fprintf(stderr, "ssmguard: %s is written\n", r.Old.File)
		}
	}
	return nil
}

// onDisk reports whether a policy file is one that can be written, and not standard input.
func (o *checkOptions) onDisk(path string) bool {
	return slices.ContainsFunc(o.files.Files, func(f policyfile.File) bool { return f.Path == path && f.Text == nil })
}

// proven returns what the first repair that is proven makes of the policies: that of all
// findings, else that of what keeps the session from starting.
func (o *checkOptions) proven(ctx context.Context, d guard.Decision) (*guard.Fix, []guard.Revision, error) {
	fixes := []*guard.Fix{d.Fix}
	for _, f := range d.Findings {
		if f.Level == guard.Error {
			fixes = append(fixes, f.Fix)
		}
	}
	err := errUnproven
	if d.Fix != nil && !d.Fix.Checked && d.Fix.Check != "" {
		err = fmt.Errorf("the repair is checked in part only: %s", d.Fix.Check)
	}
	for _, fix := range fixes {
		if fix == nil || !fix.Checked || len(fix.Changes) == 0 {
			continue
		}
		revisions := d.Revisions(*fix, patchWidth)
		if err = o.prove(ctx, d, *fix, revisions); err == nil {
			return fix, revisions, nil // else the next may be
		}
	}
	return nil, nil, err
}

// patchWidth is how wide policies are printed of which no file has the text.
const patchWidth = 100

// prove looks whether the texts say what was proven: read again, they have the statements
// that the repair was tried with, and the grants that it is for are denied no longer.
func (o *checkOptions) prove(ctx context.Context, d guard.Decision, fix guard.Fix, revisions []guard.Revision) error {
	want := *d.Policies
	for _, c := range fix.Changes {
		if strings.Contains(c.Statement, ":"+fictional+":") && d.Request.Caller.Account == fictional && o.files.Principal == "" {
			return errors.New("nobody said in which account the caller is, and the repair names it; give --principal ARN")
		}
		var err error
		if want, err = guard.Apply(want, c); err != nil {
			return err
		}
	}
	texts := make(map[string]string) // new, of files
	for _, r := range revisions {
		switch {
		case r.Err != nil:
			return fmt.Errorf("%s: %w", r.Source, r.Err)
		case r.Source == "":
			return errUnproven // no policy of the files takes the statement
		case r.Old.Whole:
			if _, twice := texts[r.Old.File]; twice {
				return fmt.Errorf("%s is given as two kinds of policy", r.Old.File)
			}
			texts[r.Old.File] = r.New.Text
		}
	}
	if len(texts) < len(revisions) {
		return nil // they are printed from the statements themselves
	}
	var files []policyfile.File
	for _, f := range o.files.Files {
		if text, ok := texts[f.Path]; ok {
			f.Text = []byte(text)
		}
		files = append(files, f)
	}
	after, err := o.again(ctx, files)
	if err != nil {
		return err
	}
	for _, id := range fix.Grants {
		if after.Of(id).Verdict.Denies() {
			return errUnproven
		}
	}
	if after.Policies == nil || !sameStatements(want, *after.Policies) {
		return errUnproven
	}
	return nil
}

// sameStatements reports whether two sets have the same statements in each layer, whatever
// the order.
func sameStatements(a, b policy.Set) bool {
	texts := func(set policy.Set) (all []string) {
		for _, l := range guard.LayersOf(set) {
			for i := range l.Statements {
				d, err := guard.CopyOf(&l.Statements[i])
				if err != nil {
					return nil
				}
				all = append(all, fmt.Sprint(l.Kind, l.Level, d.String()))
			}
		}
		slices.Sort(all)
		return all
	}
	x, y := texts(a), texts(b)
	return x != nil && slices.Equal(x, y)
}

// printPatch writes what changes in a policy. Blanks that stand for the rest of a file are
// left out.
func printPatch(w io.Writer, r guard.Revision) {
	name, from, to := r.Source, r.Old.Text, r.New.Text
	if !r.Old.Whole {
		from, to = strings.TrimSpace(from)+"\n", strings.TrimSpace(to)+"\n"
	}
	patch := source.Patch(name, from, to)
	for line := range strings.Lines(patch) {
		safetext.Fprintf(w, "%s\n", safetext.Own(patchLine(strings.TrimSuffix(line, "\n"))))
	}
}

// patchLine is a line of a patch as a terminal may have it. Lines of policies have no hidden
// characters but in strings, where JSON writes them as escapes, too.
func patchLine(line string) string {
	var b strings.Builder
	for _, r := range line {
		if r != '\t' && r != '\r' && safetext.Hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// rewrite replaces the text of a file in one step, if the file still has what was read. Its
// mode and its encoding stay; behind a link, the file that it leads to is written.
func rewrite(path, old, fresh string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	now, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	text, form, err := usertext.Decode(now)
	if err != nil || string(text) != old {
		return fmt.Errorf("%s has changed meanwhile; nothing is written", path)
	}
	return private.ReplaceFile(target, form.Encode([]byte(fresh)), info.Mode().Perm())
}
