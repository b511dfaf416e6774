package tunnel

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/yamlfile"
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
	file, dir := trust.UserFile(p), ""
	if o.Add.project {
		if dir, err = os.Getwd(); err != nil {
			return err
		}
		file = filepath.Join(dir, configs.ProjectFile)
	}
	if file == "" {
		return exit.Coded("no home directory; set HOME, or give --project", exit.Config)
	}
	read := yamlfile.ReadFile
	if o.Add.project { // the new file will belong to the user, so a file of others is refused
		read = func(file string) ([]byte, error) { return configs.ReadOwned(file, p.Lookup) }
	}
	data, err := read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exit.WithCode(err, exit.Config)
	}
	data, added, err := configs.AddTunnel(file, data, t, configs.Variables{Lookup: p.Lookup, Project: o.Add.project})
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a link stays a link
	}
	if err := env.ReplaceFile(file, string(data)); err != nil {
		return exit.WithCode(err, exit.Config)
	}
	safetext.Fprintf(p.Stderr, "ssmguard: added to %s\n", file)
	if o.Add.project {
		if err := trust.Written(ctx, p, dir, t.Name); err != nil {
			safetext.Fprintf(p.Stderr, "ssmguard: warning: %v\n", err)
		}
	}
	_, err = safetext.Fprintf(p.Stdout, "%s", safetext.Own(safetext.Text(added)))
	return err
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
		if t.Target == "" {
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
		return forwarding(t, in)
	}
	return pasted(p, t, command)
}

// pasted completes a tunnel from a command of the AWS CLI or of ours.
func pasted(p *env.Process, t configs.Tunnel, command []string) (configs.Tunnel, error) {
	at := slices.Index(command, "start-session")
	if at < 0 {
		return t, exit.Usagef("not an `aws ssm start-session` command")
	}
	_, rest, err := ask.TakeOwn(command[at+1:], p.Getenv)
	if err != nil {
		return t, err
	}
	var before []string // options of the AWS CLI in front of the command
	for _, word := range command[:at] {
		if filepath.Base(word) != "aws" && filepath.Base(word) != "ssmguard" && word != "ssm" {
			before = append(before, word)
		}
	}
	call, err := awscli.Parse(slices.Concat(before, []string{"ssm", "start-session"}, rest), awscli.Env{Lookup: p.Lookup, ReadFile: os.ReadFile})
	if err != nil {
		return t, err
	}
	if call.Command != awscli.StartSession {
		return t, exit.Usagef("not an `aws ssm start-session` command")
	}
	if call.Globals.Profile != nil {
		t.Profile = *call.Globals.Profile
	}
	if call.Globals.Region != nil {
		t.Region = *call.Globals.Region
	}
	return forwarding(t, call.Input)
}

// forwarding completes a tunnel from the input of a session that forwards a port.
func forwarding(t configs.Tunnel, in awscli.Input) (configs.Tunnel, error) {
	if in.DocumentName != portDocument && in.DocumentName != remoteDocument {
		return t, exit.Usagef("document %q forwards no port; valid: %s, %s", in.DocumentName, portDocument, remoteDocument)
	}
	parameters := ask.Parameters(in)
	first := func(name string) string { return strings.Join(parameters[name], "") }
	number := func(name string) int { n, _ := strconv.Atoi(first(name)); return n }
	t.Target, t.Reason, t.Host = in.Target, in.Reason, first("host")
	t.Port, t.LocalPort = number("portNumber"), number("localPortNumber")
	return t, checkEnds(t)
}
