package ask

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/spelling"
)

// resolveTarget replaces a name by the id people mean by it. A command line for
// the AWS CLI is left as it is.
func (l *Line) resolveTarget(ctx context.Context, w *Question) error {
	name := w.Request.Target
	if l.DropIn || awsiam.IsTargetID(name) {
		return nil
	}
	if tag, ok := strings.CutPrefix(name, "tag:"); ok && strings.Index(tag, "=") < 1 {
		return exit.Usagef("--target %s: want tag:KEY=VALUE", name)
	}
	id, err := w.Evidence.ResolveTarget(ctx, w.Request.Region, name)
	var many *awsiam.AmbiguousTarget
	switch {
	case exit.As[*awsiam.NoTarget](err):
		return exit.Usagef("%v; %s", err, l.otherTarget(ctx, w))
	case errors.As(err, &many):
		return exit.Usagef("%v", many)
	case err != nil:
		return err
	}
	w.Request.Target, w.Spec.Target, w.Spec.Request = id, id, "" // the request text names the name
	return nil
}

// otherTarget says what may have been meant by a name that nothing has.
func (l *Line) otherTarget(ctx context.Context, w *Question) string {
	name := w.Request.Target
	if strings.HasPrefix(name, "i-") || strings.HasPrefix(name, "mi-") {
		return "an id has 8 or 17 hexadecimal digits"
	}
	var names []string
	nodes, _ := w.Evidence.Nodes(ctx, w.Request.Region) // usable beside an error
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

// NeedsID refuses a target that only AWS could tell the meaning of, where AWS is
// not asked.
func NeedsID(target string) error {
	switch {
	case !awsiam.IsTargetID(target):
	case !guard.Made(target, "_-:"):
		return exit.Usagef("--target %s: no id has such characters", env.Printable(target))
	default:
		return nil
	}
	return exit.Usagef("--target %s: AWS is not asked what that is; give an id, and its tags with --target-tag", env.Printable(target))
}

// Targeted is a command whose target was perhaps typed without its option: no
// other word stands at the start of it.
func Targeted(name string, run command.Runner) command.Runner {
	return func(ctx context.Context, p *env.Process, words []string) error {
		if len(words) > 0 && words[0] != "" && words[0] != "help" && !strings.HasPrefix(words[0], "-") {
			word := env.Printable(words[0])
			return exit.Usagef("unknown word: %s; did you mean \"ssmguard %s --target %s\"?", word, name, word)
		}
		return run(ctx, p, words)
	}
}
