package configs

import (
	"embed"
	"fmt"
)

//go:embed alias completion
var snippets embed.FS

// aliasFiles maps a shell, or ssh, to its file in the folder alias.
var aliasFiles = map[string]string{
	"bash": "posix.sh", "zsh": "posix.sh", "fish": "fish.fish", "powershell": "powershell.ps1", "ssh": "ssh_config",
}

// Alias returns the snippet that puts ssmguard in front of `aws` in a shell (bash, zsh,
// fish, powershell), or in front of hosts in an ssh_config (ssh).
func Alias(place string) (string, error) {
	name, ok := aliasFiles[place]
	if !ok {
		return "", fmt.Errorf("no snippet for %q; valid: bash, zsh, fish, powershell, ssh", place)
	}
	text, err := snippets.ReadFile("alias/" + name)
	return string(text), err
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
