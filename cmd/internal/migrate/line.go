package migrate

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

// The documents that forward ports.
const (
	portDocument   = "AWS-StartPortForwardingSession"
	remoteDocument = "AWS-StartPortForwardingSessionToRemoteHost"
)

// FromCommand completes a tunnel from a command of the AWS CLI or of ours. Its ends are not
// checked.
func FromCommand(p *env.Process, t configs.Tunnel, command []string) (configs.Tunnel, error) {
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
	return FromInput(t, call.Input)
}

// FromInput completes a tunnel from the input of a session that forwards a port. Its ends
// are not checked.
func FromInput(t configs.Tunnel, in awscli.Input) (configs.Tunnel, error) {
	if in.DocumentName != portDocument && in.DocumentName != remoteDocument {
		return t, exit.Usagef("document %q forwards no port; valid: %s, %s", in.DocumentName, portDocument, remoteDocument)
	}
	parameters := ask.Parameters(in)
	first := func(name string) string { return strings.Join(parameters[name], "") }
	number := func(name string) int { n, _ := strconv.Atoi(first(name)); return n }
	t.Target, t.Reason, t.Host = in.Target, in.Reason, first("host")
	t.Port, t.LocalPort = number("portNumber"), number("localPortNumber")
	return t, nil
}

// assignment is a variable that is set for one command.
var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=(.*)$`) })

// fromShell completes a tunnel from a line of a shell. The second result reports whether the
// line is of a session that forwards a port; the error says why it cannot be a tunnel.
func fromShell(p *env.Process, line string) (t configs.Tunnel, ours bool, err error) {
	if !strings.Contains(line, "start-session") || !strings.Contains(line, "AWS-StartPortForwarding") {
		return t, false, nil
	}
	line = firstCommand(line)
	words, err := awsconf.SplitWords(line)
	if err != nil {
		return t, true, err
	}
	for len(words) > 0 {
		m := assignment().FindStringSubmatch(words[0])
		if m == nil {
			break
		}
		switch m[1] {
		case "AWS_PROFILE", "AWS_DEFAULT_PROFILE":
			t.Profile = m[2]
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			t.Region = m[2]
		}
		words = words[1:]
	}
	if len(words) == 0 || filepath.Base(words[0]) != "aws" && filepath.Base(words[0]) != "ssmguard" {
		return t, false, nil // an echo, a grep, a program that starts the AWS CLI
	}
	if slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, "$`") }) {
		return t, true, errors.New("it has a variable of the shell")
	}
	t, err = FromCommand(p, t, words)
	return t, true, err
}

// firstCommand cuts a line where a shell ends its first command, or leads its output
// elsewhere, outside of quotes.
func firstCommand(line string) string {
	var quote rune
	escaped := false
	for i, r := range line {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune(";&|><#\n", r):
			if r == '>' { // the number of a stream belongs to it
				return strings.TrimRight(line[:i], "0123456789")
			}
			return line[:i]
		}
	}
	return line
}
