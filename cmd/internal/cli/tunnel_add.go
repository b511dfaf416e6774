package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/configs"
)

var addTable = []option[tunnelOptions]{
	{"--document-name", "", false, text(func(o *tunnelOptions) *string { return &o.document })},
	{"--parameters", "", false, text(func(o *tunnelOptions) *string { return &o.parameters })},
	{"--project", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Project })},
	{"--user", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.User })},
	{"--database", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Database })},
}

// tunnelAdd writes a tunnel into the user's or the project's file, from our own
// options, those of start-session, or a whole command of the AWS CLI.
func (p *process) tunnelAdd(_ context.Context, o *tunnelOptions) error {
	t, err := p.addition(o)
	if err != nil {
		return err
	}
	file := p.userFile()
	if o.Project {
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		file = filepath.Join(dir, configs.ProjectFile)
	}
	if file == "" {
		return coded("there is no home to write to; set HOME, or give --project", exitConfig)
	}
	read := os.ReadFile
	if o.Project { // what is added to becomes the user's own
		read = func(file string) ([]byte, error) { return configs.ReadProject(file, p.lookup) }
	}
	data, err := read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return coded(err.Error(), exitConfig)
	}
	data, added, err := configs.AddTunnel(file, data, t, configs.Variables{Lookup: p.lookup, Project: o.Project})
	if err != nil {
		return coded(err.Error(), exitConfig)
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a link stays one
	}
	if err := replaceFile(file, string(data)); err != nil {
		return coded(err.Error(), exitConfig)
	}
	fmt.Fprintf(p.stderr, "ssmguard: added to %s\n", file)
	_, err = fmt.Fprint(p.stdout, added)
	return err
}

// addition is the tunnel that a line of `add` describes.
func (p *process) addition(o *tunnelOptions) (configs.Tunnel, error) {
	words := o.Words
	if len(words) == 0 {
		return configs.Tunnel{}, usagef("tunnel add needs a name: ssmguard tunnel add NAME --target TARGET --port PORT")
	}
	o.Spot.LocalPort = max(o.Spot.LocalPort, 0)
	t := o.Spot
	t.Name = words[0]
	command := o.Command
	if len(words) == 2 {
		var err error
		if command, err = awsconf.SplitWords(words[1]); err != nil {
			return t, usagef("%v in %q", err, words[1])
		}
		words = words[:1]
	}
	switch {
	case len(words) > 1:
		return t, usagef("unknown word: %s; a pasted command follows %q or is quoted", words[1], "--")
	case len(command) == 0 && o.parameters == "" && o.document == "":
		if t.Target == "" {
			return t, usagef("--target is missing: an instance id, tag:KEY=VALUE or a Name tag; or paste a command: ssmguard tunnel add %s -- aws ssm start-session ...", t.Name)
		}
		return t, farEnd(t)
	case len(command) == 0:
		command = []string{"ssm", "start-session", "--target=" + t.Target}
		for _, option := range []struct{ flag, value string }{{"--document-name", o.document}, {"--parameters", o.parameters}} {
			if option.value != "" {
				command = append(command, option.flag+"="+option.value)
			}
		}
	}
	return p.pasted(t, command)
}

// pasted completes a tunnel with what a command of the AWS CLI, or of ours, says.
func (p *process) pasted(t configs.Tunnel, command []string) (configs.Tunnel, error) {
	at := slices.Index(command, "start-session")
	if at < 0 {
		return t, usagef("the command is no start-session")
	}
	_, rest, err := takeOwn(command[at+1:], p.getenv)
	if err != nil {
		return t, err
	}
	var before []string // options of the AWS CLI in front of the command
	for _, word := range command[:at] {
		if filepath.Base(word) != "aws" && filepath.Base(word) != "ssmguard" && word != "ssm" {
			before = append(before, word)
		}
	}
	call, err := awscli.Parse(slices.Concat(before, []string{"ssm", "start-session"}, rest), awscli.Env{Lookup: p.lookup, ReadFile: os.ReadFile})
	if err != nil {
		return t, err
	}
	if call.Command != awscli.StartSession {
		return t, usagef("the command is no start-session")
	}
	in, parameters := call.Input, parameters(call.Input)
	first := func(name string) string { return strings.Join(parameters[name], "") }
	number := func(name string) int { n, _ := strconv.Atoi(first(name)); return n }
	switch in.DocumentName {
	case portDocument, remoteDocument:
	default:
		return t, usagef("a session with document %q is no tunnel; want %s or %s", in.DocumentName, portDocument, remoteDocument)
	}
	t.Target, t.Reason, t.Host = in.Target, in.Reason, first("host")
	t.Port, t.LocalPort = number("portNumber"), number("localPortNumber")
	if call.Globals.Profile != nil {
		t.Profile = *call.Globals.Profile
	}
	if call.Globals.Region != nil {
		t.Region = *call.Globals.Region
	}
	return t, nil
}
