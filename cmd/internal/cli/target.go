package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ssmguard/configs"
	"ssmguard/guard/awsiam"
)

// resolveTarget replaces a name by the id people mean by it. A command line for
// the AWS CLI is left as it is.
func (l *sessionLine) resolveTarget(ctx context.Context, w *world) error {
	name := w.request.Target
	if l.dropIn || awsiam.IsTargetID(name) {
		return nil
	}
	if tag, ok := strings.CutPrefix(name, "tag:"); ok && strings.Index(tag, "=") < 1 {
		return usagef("--target %s: want tag:KEY=VALUE", name)
	}
	id, err := w.evidence.ResolveTarget(ctx, w.request.Region, name)
	var many *awsiam.AmbiguousTarget
	switch {
	case as[*awsiam.NoTarget](err):
		return usagef("%v; %s", err, l.otherTarget(ctx, w))
	case errors.As(err, &many):
		return usagef("%v", many)
	case err != nil:
		return err
	}
	w.request.Target, w.spec.Target, w.spec.Request = id, id, "" // the request text names the name
	return nil
}

// otherTarget says what may have been meant by a name that nothing has.
func (l *sessionLine) otherTarget(ctx context.Context, w *world) string {
	name := w.request.Target
	if strings.HasPrefix(name, "i-") || strings.HasPrefix(name, "mi-") {
		return "an id has 8 or 17 hexadecimal digits"
	}
	var names []string
	nodes, _ := w.evidence.Nodes(ctx, w.request.Region) // usable beside an error
	for _, n := range nodes {
		if n.Name != "" {
			names = append(names, n.Name)
		}
	}
	if near := configs.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "give an id, a Name tag, tag:KEY=VALUE or a private address, and --region if it is in another"
}

// needsID refuses a target that only AWS could tell the meaning of, where AWS is
// not asked.
func needsID(target string) error {
	if awsiam.IsTargetID(target) {
		return nil
	}
	return usagef("--target %s: AWS is not asked what that is; give an id, and its tags with --target-tag", printableName(target))
}

// targeted is a command whose target was perhaps typed without its option: no
// other word stands at the start of it.
func targeted(command string, run wordsRun) wordsRun {
	return func(p *process, ctx context.Context, words []string) error {
		if len(words) > 0 && words[0] != "" && words[0] != "help" && !strings.HasPrefix(words[0], "-") {
			name := printableName(words[0])
			return usagef("unknown word: %s; did you mean \"ssmguard %s --target %s\"?", name, command, name)
		}
		return run(p, ctx, words)
	}
}
