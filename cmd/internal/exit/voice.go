package exit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// OwnVoice says in one line what is wrong with a command line, where the AWS CLI prints
// its usage and draws carets. Drop-in commands keep the CLI's text. A command line
// without a command has the command "". known returns the valid options.
func OwnVoice(command string, err error, known func() []string) error {
	var u *awscli.UsageError
	if !errors.As(err, &u) {
		return err
	}
	see := fmt.Sprintf("; see %q", strings.TrimSuffix("ssmguard help "+command, " "))
	if len(u.Unknown) > 0 {
		return Coded(UnknownWord(u.Unknown, known(), see), u.Code)
	}
	text, _, hasUsage := strings.Cut(u.Error(), "\n\nusage: ")
	words := strings.Fields(strings.TrimRight(text, "^ \n"))
	text = strings.Join(words, " ")
	text = strings.ToLower(text[:1]) + text[1:]
	text = strings.Replace(text, ": Found invalid choice", ": invalid choice", 1)
	if before, near, ok := strings.Cut(text, " Maybe you meant: * "); ok {
		return Coded(fmt.Sprintf("%s; did you mean %s?", before, strings.ReplaceAll(near, " * ", " or ")), u.Code)
	}
	if hasUsage {
		text += see
	}
	if advice := quotesAdvice(err); advice != "" {
		text += "; " + advice
	}
	return Coded(text, u.Code)
}

// UnknownWord names the unknown word, with a suggestion or with see. If there are
// unknown options the first one is named: the words after it are mostly its value.
func UnknownWord(unknown, flags []string, see string) string {
	at := slices.IndexFunc(unknown, func(w string) bool { return strings.HasPrefix(w, "-") })
	if at < 0 {
		return fmt.Sprintf("unknown word: %s%s", safetext.Line(unknown[len(unknown)-1]), see)
	}
	return UnknownOption(unknown[at], flags, see)
}

// UnknownOption says that an option is unknown, and suggests the nearest known one.
func UnknownOption(word string, known []string, see string) string {
	flag, _, _ := strings.Cut(word, "=")
	var bare []string
	for _, k := range known {
		if long, ok := strings.CutPrefix(k, "--"); ok {
			bare = append(bare, long)
		}
	}
	if near := spelling.Nearest(strings.TrimLeft(flag, "-"), bare); near != "" {
		see = fmt.Sprintf("; did you mean --%s?", near)
	}
	return "unknown option: " + safetext.Line(flag) + see
}
