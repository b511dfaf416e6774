package tunnel

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/migrate"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
)

// tunnelAdd writes a tunnel into the user's or the project's file, from our own
// options, the options of start-session, or a whole command of the AWS CLI.
func tunnelAdd(ctx context.Context, p *env.Process, o *Options) error {
	t, err := addition(p, o)
	if err != nil {
		return err
	}
	if o.Add.project && t.Peer == configs.PeerAny {
		return exit.Usagef("a project's file cannot admit other users; leave out --peer any, or --project")
	}
	return tunnelfile.Add(ctx, p, t, o.Add.project)
}

// tunnelEdit changes keys of a tunnel in its file.
func tunnelEdit(ctx context.Context, p *env.Process, o *Options) error {
	if len(o.Words) != 1 {
		return exit.Usagef("tunnel edit takes one name, and what to change: ssmguard tunnel edit NAME --port PORT")
	}
	s := o.Spot
	s.Guard = "" // a variable may have set it
	if s == (configs.Tunnel{LocalPort: -1}) && !slices.ContainsFunc(o.raw, isGuardOption) && len(o.Add.unset) == 0 {
		return exit.Usagef("give what to change of %s: its options, or --unset KEY; see %q", o.Words[0], "ssmguard help tunnel edit")
	}
	if !slices.ContainsFunc(o.raw, isGuardOption) {
		o.Spot.Guard = ""
	}
	return tunnelfile.Edit(ctx, p, o.Words[0], func(t configs.Tunnel) (configs.Tunnel, error) {
		for _, key := range o.Add.unset {
			t, _ = t.Without(key) // the option was checked
		}
		t = o.over(t)
		t.User, t.Database = cmp.Or(o.Spot.User, t.User), cmp.Or(o.Spot.Database, t.Database)
		return t, checkEnds(t)
	})
}

// isGuardOption reports whether a word is the option for the guard.
func isGuardOption(word string) bool { return word == "--guard" || strings.HasPrefix(word, "--guard=") }

// tunnelRemove takes tunnels out of their files.
func tunnelRemove(ctx context.Context, p *env.Process, o *Options) error {
	if len(o.Words) == 0 {
		return exit.Usagef("tunnel rm needs a name; %q closes tunnels and leaves their files as they are", "ssmguard tunnel down")
	}
	return tunnelfile.Remove(ctx, p, unique(o.Words))
}

// tunnelShow prints tunnels as they are configured.
func tunnelShow(_ context.Context, p *env.Process, o *Options) error {
	return tunnelfile.Show(p, o.Words, o.Output == "json")
}

// tunnelValidate says which faults configuration files have.
func tunnelValidate(_ context.Context, p *env.Process, o *Options) error {
	return tunnelfile.Validate(p, o.Words, o.Output == "json")
}

// addition returns the tunnel that a command line of `add` describes.
func addition(p *env.Process, o *Options) (configs.Tunnel, error) {
	words := o.Words
	if len(words) == 0 {
		return configs.Tunnel{}, exit.Usagef("tunnel add needs a name: ssmguard tunnel add NAME --target TARGET --port PORT")
	}
	if err := configs.CheckName(words[0]); err != nil {
		return configs.Tunnel{}, exit.Usagef("%q cannot be the name of a tunnel: %v", words[0], err)
	}
	o.Spot.LocalPort = max(o.Spot.LocalPort, 0)
	t := o.Spot
	t.Name = words[0]
	command := o.Command
	if len(words) == 2 {
		var err error
		if command, err = awsconf.SplitWords(words[1]); err != nil {
			return t, exit.Usagef("%v in %q", err, words[1])
		}
		words = words[:1]
	}
	switch {
	case len(words) > 1:
		return t, exit.Usagef("unknown word: %s; a pasted command follows %q or is quoted", words[1], "--")
	case len(command) == 0 && o.Add.parameters == "" && o.Add.document == "":
		if t.Target == "" && !t.FindsTarget() {
			return t, exit.Usagef("--target is missing: an instance id, tag:KEY=VALUE or a Name tag; or paste a command: ssmguard tunnel add %s -- aws ssm start-session ...", t.Name)
		}
		return t, checkEnds(t)
	case len(command) == 0:
		in := awscli.Input{Target: t.Target, DocumentName: o.Add.document, Reason: t.Reason}
		if o.Add.parameters != "" {
			var err error
			if in.Parameters, err = awscli.ParseParameters(o.Add.parameters, awscli.Env{Lookup: p.Lookup, ReadFile: os.ReadFile}); err != nil {
				return t, err
			}
		}
		t, err := migrate.FromInput(t, in)
		return t, cmp.Or(err, checkEnds(t))
	}
	t, err := migrate.FromCommand(p, t, command)
	return t, cmp.Or(err, checkEnds(t))
}
