package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/configs"
)

// ownVoice says what is wrong with a command line in one line, where the AWS CLI
// prints its usage and draws carets. Drop-in commands keep the CLI's text. A
// command line without a command has the command "". flags are the options
// that there are.
func ownVoice(command string, err error, flags ...string) error {
	var u *awscli.UsageError
	if !errors.As(err, &u) {
		return err
	}
	see := fmt.Sprintf("; see %q", strings.TrimSuffix("ssmguard help "+command, " "))
	if len(u.Unknown) > 0 {
		return coded(unknownWord(u.Unknown, flags, see), u.Code)
	}
	text, _, hasUsage := strings.Cut(u.Error(), "\n\nusage: ")
	words := strings.Fields(strings.TrimRight(text, "^ \n"))
	text = strings.Join(words, " ")
	text = strings.ToLower(text[:1]) + text[1:]
	text = strings.Replace(text, ": Found invalid choice", ": invalid choice", 1)
	if before, near, ok := strings.Cut(text, " Maybe you meant: * "); ok {
		return coded(fmt.Sprintf("%s; did you mean %s?", before, strings.ReplaceAll(near, " * ", " or ")), u.Code)
	}
	if hasUsage {
		text += see
	}
	return coded(text, u.Code)
}

// unknownWord says which word is unknown, and what may have been meant by it or
// where to look. The first option counts: the words beside it are mostly its value.
func unknownWord(unknown, flags []string, see string) string {
	at := slices.IndexFunc(unknown, func(w string) bool { return strings.HasPrefix(w, "-") })
	if at < 0 {
		return fmt.Sprintf("unknown word: %s%s", printableName(unknown[len(unknown)-1]), see)
	}
	return unknownOption(unknown[at], flags, see)
}

// unknownOption says that a word is no option, and which known one it resembles.
func unknownOption(word string, known []string, see string) string {
	flag, _, _ := strings.Cut(word, "=")
	bare := make([]string, len(known))
	for i, k := range known {
		bare[i] = strings.TrimLeft(k, "-")
	}
	if near := configs.Nearest(strings.TrimLeft(flag, "-"), bare); near != "" {
		see = fmt.Sprintf("; did you mean --%s?", near)
	}
	return "unknown option: " + printableName(flag) + see
}

// nearestCommand asks whether the command was meant that a misspelt one resembles,
// or says where all are listed.
func nearestCommand(app *cli.App, word string) string {
	var names []string
	for _, c := range app.VisibleCommands() {
		names = append(names, c.Name)
	}
	if near := configs.Nearest(word, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", "ssmguard "+near)
	}
	return fmt.Sprintf("; see %q", "ssmguard help")
}

// unknown says that a command line typed as for the AWS CLI is none of ours.
func (l *sessionLine) unknown() error {
	service, word := l.call.Service, printableName(l.call.Refusal.Choice)
	if ours := operationOf[service]; configs.Nearest(word, []string{ours}) != "" {
		return usagef("unknown command: %s %s; did you mean \"ssmguard %s %s\"?", service, word, service, ours)
	}
	return usagef("unknown command: %s %s; \"ssmguard aws %s %s\" hands it to the AWS CLI", service, word, service, word)
}
