package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// resolveTarget replaces a target's name by its id. AWS takes no names, so one in a command
// line of the AWS CLI can only be meant so, too; what is not found, or not clear, is said, and
// AWS is asked about the name as it stands. There, a look-up that fails is no news: AWS's
// answer is.
func (l *Line) resolveTarget(ctx context.Context, w *Question) error {
	if awsiam.IsTargetID(w.Request.Target) {
		return nil
	}
	name := w.Request.Target
	err := l.lookUpTarget(ctx, w)
	if !l.DropIn {
		return err
	}
	switch {
	case err == nil:
		safetext.Fprintf(l.Process.Notes(), "ssmguard: %s is %s\n", name, w.Request.Target)
	case exit.Code(err) == exit.Usage:
		safetext.Fprintf(l.Process.Notes(), "ssmguard: warning: %v\n", err)
	}
	return nil
}

// lookUpTarget replaces a target's name by its id, or says which ids it may mean.
func (l *Line) lookUpTarget(ctx context.Context, w *Question) error {
	name := w.Request.Target
	if tag, ok := strings.CutPrefix(name, "tag:"); ok && strings.Index(tag, "=") < 1 {
		return exit.Usagef("--target %s: write tag:KEY=VALUE", name)
	}
	looked := l.Process.ShowStatus("looking for "+name+" in "+w.Request.Region, 0)
	id, err := w.Evidence.ResolveTarget(ctx, w.Request.Region, name)
	looked()
	var many *awsiam.AmbiguousTarget
	switch {
	case exit.As[*awsiam.NoTarget](err):
		return unresolved{exit.Usagef("%v; %s", err, l.otherTarget(ctx, w)), err}
	case errors.As(err, &many):
		return unresolved{exit.Coded(choice(many), exit.Usage), err}
	case err != nil:
		return err
	}
	w.Request.Target, w.Spec.Target, w.Spec.Request = id, id, "" // the request text has the name in it
	return nil
}

// unresolved is the error of a name that means no target, or several: what to say of it, and
// what the look-up returned.
type unresolved struct {
	error
	cause error
}

// Unwrap returns both.
func (u unresolved) Unwrap() []error { return []error{u.error, u.cause} }

// mostChoices is how many instances of one name are listed.
const mostChoices = 10

// choice lists the instances that a name may mean, with what tells one from another.
func choice(e *awsiam.AmbiguousTarget) string {
	who := safetext.Sprintf("are called %q", e.Name)
	if tag, ok := strings.CutPrefix(e.Name, "tag:"); ok {
		who = "have the tag " + safetext.Line(tag)
	}
	text := fmt.Sprintf("%d instances %s; pick one:", len(e.Candidates), who)
	for i, n := range e.Candidates {
		if i == mostChoices {
			return text + fmt.Sprintf("\n  and %d more", len(e.Candidates)-i)
		}
		text += "\n  " + Described(n)
	}
	return text
}

// Described is a node as one line: its id, its state and its tags, which tell it from others of
// its name.
func Described(n awsiam.Node) string {
	return strings.Join(append([]string{safetext.Line(n.ID)}, describe(n)...), "  ")
}

// describe returns a node's state and its tags but for those that AWS itself writes.
func describe(n awsiam.Node) (words []string) {
	if state := cmp.Or(n.Ping, n.State); state != "" {
		words = append(words, safetext.Line(state))
	}
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		if !strings.HasPrefix(key, "aws:") {
			words = append(words, safetext.Line(key+"="+n.Tags[key]))
		}
	}
	return words
}

// otherTarget suggests a target in place of a name that no node has.
func (l *Line) otherTarget(ctx context.Context, w *Question) string {
	name := w.Request.Target
	if strings.HasPrefix(name, "i-") || strings.HasPrefix(name, "mi-") {
		return "an id has 8 or 17 hexadecimal digits"
	}
	var names []string
	nodes, _ := w.Evidence.Nodes(ctx, w.Request.Region) // incomplete with an error
	for _, n := range nodes {
		if n.Name != "" {
			names = append(names, n.Name)
		}
	}
	if near := spelling.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "give an id, a Name tag, tag:KEY=VALUE or a private address, and --region if it is in another"
}

// NeedsID refuses a target that only AWS could resolve, for commands that do not ask
// AWS.
func NeedsID(target string) error {
	switch {
	case !awsiam.IsTargetID(target):
	case !guard.Made(target, "_-:"):
		return exit.Usagef("--target %s: an id cannot have these characters", safetext.Line(target))
	default:
		return nil
	}
	return exit.Usagef("--target %s: a name cannot be looked up here; give an id, and its tags with --target-tag", safetext.Line(target))
}

// Targeted wraps a command whose words begin with an option, and suggests --target for
// a first word that is none.
func Targeted(name string, run command.Runner) command.Runner {
	return func(ctx context.Context, p *env.Process, words []string) error {
		if len(words) > 0 && words[0] != "" && words[0] != "help" && !strings.HasPrefix(words[0], "-") {
			word := safetext.Line(words[0])
			return exit.Usagef("unknown word: %s; did you mean \"ssmguard %s --target %s\"?", word, name, word)
		}
		return run(ctx, p, words)
	}
}
