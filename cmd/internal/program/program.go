package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf16"

	"ssmguard/cmd/internal/exit"
)

// Program returns a command with exactly the given arguments. Other people's programs
// are started with it, because on Windows a program may be a batch file, whose
// arguments cmd.exe parses. A nil env is our own environment.
func Program(ctx context.Context, env []string, name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	if runtime.GOOS != "windows" || cmd.Err != nil || !isBatch(cmd.Path) {
		return cmd, nil
	}
	path, err := filepath.Abs(cmd.Path)
	if err != nil {
		return nil, err
	}
	line, err := batchLine(path, args)
	if err != nil {
		return nil, err
	}
	if env == nil {
		env = os.Environ()
	}
	cmd.Env = append(env[:len(env):len(env)], batchVariable+"="+line)
	return cmd, throughShell(cmd)
}

// isBatch reports whether Windows would run a file with cmd.exe. Windows drops dots and
// spaces at the end of a name.
func isBatch(path string) bool {
	switch strings.ToLower(filepath.Ext(strings.TrimRight(path, ". "))) {
	case ".bat", ".cmd":
		return true
	}
	return false
}

// batchVariable holds the command line of a batch file. On a command line cmd.exe
// always expands %NAME%, but it does not expand the value of a variable again.
const batchVariable = "SSMGUARD_BATCH"

// batchLength is the longest command line for cmd.exe, with room for its own words.
const batchLength = 8000

// batchPlain are the characters of an argument that needs no quotes.
const batchPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#$*+-./:?@\\_"

// batchOperators are characters with a meaning to cmd.exe outside of quotes.
const batchOperators = "&|<>^()"

// batchLine quotes a batch file and its arguments for two parsers: cmd.exe, which
// parses them twice because the file passes them on in %*, and the C program that
// finally gets them. For the C program \" is a quote within quotes; for cmd.exe it ends
// the quotes, and the text up to the next quote must have no meaning to cmd.exe.
// Arguments that cannot be quoted for both are refused.
func batchLine(path string, args []string) (string, error) {
	refuse := func(i int, why string) error {
		return exit.Coded(fmt.Sprintf("%s is a batch file, and cmd.exe would not pass on %s in argument %d; use the program behind it",
			path, why, i+1), exit.Config)

	}
	line := `"` + path + `"`
	open, last := false, 0 // quotes as cmd.exe counts them
	for i, arg := range args {
		if strings.ContainsAny(arg, "\r\n\x00") {
			return "", refuse(i, "a line break")
		}
		word := quoteForC(arg)
		for _, r := range word {
			switch {
			case r == '"':
				open, last = !open, i
			case !open && strings.ContainsRune(batchOperators, r):
				return "", refuse(i, "a "+string(r)+" together with the double quotes")
			}
		}
		line += " " + word
	}
	switch {
	case open:
		return "", refuse(last, "an odd number of double quotes")
	case len(utf16.Encode([]rune(line))) > batchLength:
		return "", exit.Coded(fmt.Sprintf("%s is a batch file, and cmd.exe takes no more than %d characters; use the program behind it", path, batchLength), exit.Config)
	}
	return line, nil
}

// quoteForC quotes an argument as the start code of C programs parses it.
func quoteForC(arg string) string {
	if arg != "" && strings.Trim(arg, batchPlain) == "" {
		return arg
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range arg {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1)) // the backslashes before the quote, and the quote's own
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}
