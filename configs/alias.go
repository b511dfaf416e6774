package configs

import (
	"embed"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"ssmguard/internal/safetext"
)

//go:embed alias completion
var snippets embed.FS

// An aliasForm is a snippet of the folder alias, and how its language quotes a word. In the
// snippet @program@ stands for the program.
type aliasForm struct {
	file  string
	quote func(string) string
}

// aliasForms has the snippet of each shell, and of ssh.
var aliasForms = map[string]aliasForm{
	"bash": {"posix.sh", safetext.Word}, "zsh": {"posix.sh", safetext.Word}, "fish": {"fish.fish", safetext.Fish},
	"powershell": {"powershell.ps1", powerShellASCII}, "ssh": {"ssh_config", proxyWord},
}

// Alias returns the snippet that puts a program, given by its path, in front of `aws` in a
// shell (bash, zsh, fish, powershell), or in front of hosts in an ssh_config (ssh). A path with
// hidden characters is refused: not every place has a way to write it.
func Alias(place, program string) (string, error) {
	form, ok := aliasForms[place]
	if !ok {
		return "", fmt.Errorf("no snippet for %q; valid: bash, zsh, fish, powershell, ssh", place)
	}
	if strings.IndexFunc(program, safetext.Hidden) >= 0 {
		return "", fmt.Errorf("the path of the program, %q, has hidden characters; move it", program)
	}
	text, err := snippets.ReadFile("alias/" + form.file)
	return strings.NewReplacer("@program@", form.quote(program), "@host@", quotedHost(runtime.GOOS)).Replace(string(text)), err
}

// powerShellASCII quotes a word for PowerShell in ASCII alone: Windows PowerShell reads a
// profile without a byte order mark in the code page of the system.
func powerShellASCII(word string) string {
	var parts []string
	for word != "" {
		at := strings.IndexFunc(word, func(r rune) bool { return r > '~' })
		switch {
		case at < 0:
			parts, word = append(parts, safetext.PowerShell(word)), ""
		case at > 0:
			parts, word = append(parts, safetext.PowerShell(word[:at])), word[at:]
		default:
			r, size := utf8.DecodeRuneInString(word)
			parts, word = append(parts, fmt.Sprintf("[char]::ConvertFromUtf32(0x%X)", r)), word[size:]
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " + ") + ")"
}

// proxyWord quotes a path for the ProxyCommand of an ssh_config: ssh replaces what follows a
// percent sign, then the user's shell reads the line, on Windows cmd.exe.
func proxyWord(path string) string {
	if runtime.GOOS == "windows" {
		return `"` + strings.ReplaceAll(path, "%", "%%") + `"`
	}
	return strings.ReplaceAll(safetext.Word(path), "%", "%%")
}

// quotedHost is the host of a ProxyCommand, in quotes: ssh puts it there as it was given.
func quotedHost(system string) string {
	if system == "windows" {
		return `"%h"`
	}
	return "'%h'"
}

// Completion returns the snippet with which a shell (bash, zsh, fish, powershell)
// completes ssmguard's command lines.
func Completion(shell string) (string, error) {
	text, err := snippets.ReadFile("completion/" + shell)
	if err != nil {
		return "", fmt.Errorf("no completion for %q; valid: bash, zsh, fish, powershell", shell)
	}
	return string(text), nil
}
