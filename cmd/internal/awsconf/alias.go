package awsconf

import (
	"cmp"
	"slices"
	"strings"
)

// Aliased reports whether the user's alias file redefines a command of the AWS CLI: the
// service's name at top level, or the operation's below it. lookup reads environment
// variables.
func Aliased(service, operation string, lookup func(string) (string, bool)) bool {
	sections := aliases(lookup)
	return sections["toplevel"].has(service) || sections["command "+service].has(operation)
}

// aliases are the sections of the user's alias file.
func aliases(lookup func(string) (string, bool)) map[string]section {
	data, err := cacheBound.readFile(environment{lookup}.aws("cli", "alias"))
	if err != nil {
		return nil
	}
	sections, err := parseINI(string(data), false)
	if err != nil {
		return nil // the AWS CLI refuses such a file
	}
	return sections
}

// Alias is an entry of the user's alias file that starts a session.
type Alias struct {
	Section, Name string
	Shell         bool   // Command is one for the shell, without its "!"
	Command       string // what follows "aws", or the shell's command
}

// SessionAliases returns the entries of the user's alias file that start sessions, and the
// file's name.
func SessionAliases(lookup func(string) (string, bool)) (file string, found []Alias) {
	for name, s := range aliases(lookup) {
		for key, text := range s.values {
			text = strings.TrimSpace(text)
			if !strings.Contains(text, "start-session") {
				continue
			}
			a := Alias{Section: name, Name: key, Command: text}
			if rest, shell := strings.CutPrefix(text, "!"); shell {
				a.Shell, a.Command = true, rest
			} else if service, below := strings.CutPrefix(name, "command "); below {
				a.Command = service + " " + text
			}
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b Alias) int { return cmp.Compare(a.Section+" "+a.Name, b.Section+" "+b.Name) })
	return environment{lookup}.aws("cli", "alias"), found
}

// SwallowingAliases returns the entries of the user's alias file, as
// "[section] name", that run another program to start a session. The AWS CLI
// hands such a program neither --profile nor --region, wherever they are written.
func SwallowingAliases(lookup func(string) (string, bool)) []string {
	var found []string
	for name, s := range aliases(lookup) {
		for key, text := range s.values {
			shell := strings.HasPrefix(strings.TrimSpace(text), "!")
			if shell && (strings.Contains(text, "start-session") || strings.Contains(text, "ssmguard")) {
				found = append(found, "["+name+"] "+key)
			}
		}
	}
	slices.Sort(found)
	return found
}
