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

// Program is a command with exactly the arguments that are given. It is how
// programs that others wrote are started: on Windows one may be a batch file,
// whose arguments cmd.exe parses. env nil is our own environment.
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

// isBatch tells whether Windows would have cmd.exe run a file; it drops dots and
// spaces at the end of a name.
func isBatch(path string) bool {
	switch strings.ToLower(filepath.Ext(strings.TrimRight(path, ". "))) {
	case ".bat", ".cmd":
		return true
	}
	return false
}

// batchVariable has the command line of a batch file. On a command line nothing
// keeps cmd.exe from expanding %NAME%, but what a variable expands to is not
// expanded again.
const batchVariable = "SSMGUARD_BATCH"

// batchLength is how long a command line cmd.exe takes, with room for its own words.
const batchLength = 8000

// batchPlain is what an argument without quotes is made of; all else is quoted.
const batchPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#$*+-./:?@\\_"

// batchOperators are characters that mean something to cmd.exe outside of quotes.
const batchOperators = "&|<>^()"

// batchLine quotes a batch file and its arguments for two readers: cmd.exe, twice,
// since the file has them in %*, and the C program that gets them in the end. To
// that \" is a quote within quotes; to cmd.exe it ends them, and what follows up to
// the next one has to mean nothing to it. What cannot be said to both is refused.
func batchLine(path string, args []string) (string, error) {
	refuse := func(i int, why string) error {
		return exit.Coded(fmt.Sprintf("%s is a batch file, and cmd.exe would not pass on %s in argument %d; use the program behind it",
			path, why, i+1), exit.Config)

	}
	line := `"` + path + `"`
	open, last := false, 0 // as cmd.exe sees the quotes
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
			b.WriteString(strings.Repeat(`\`, slashes+1)) // those before it, and its own
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}
