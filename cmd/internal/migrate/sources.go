package migrate

import (
	"os"
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
)

// found is what one source has.
type found struct {
	source  string // a file
	tunnels []configs.Tunnel
	left    []left
}

// left is something that is not made a tunnel, and why.
type left struct{ name, why string }

func (f *found) leave(name, why string) { f.left = append(f.left, left{name, why}) }

// reader reads the file of a tool. bastion is the target of tunnels whose tool finds it by
// itself.
type reader func(p *env.Process, file, bastion string) (found, error)

// kinds are the tools, with the names of their files.
var kinds = []struct {
	names []string
	read  reader
}{
	{[]string{".basti.yaml", ".basti.yml", ".basti.json"}, readBasti},
	{[]string{".ssm-session-client.yaml", ".ssm-session-client.yml", ".ssm-session-client.json"}, readSessionClient},
	{[]string{".bash_history", ".zsh_history", ".histfile", "fish_history"}, readHistory},
}

// kindOf returns how a file is read: by its name, and as a shell's history otherwise, which
// is any text with commands in it. The AWS CLI's alias file is alias.
func kindOf(file string) reader {
	name := filepath.Base(file)
	for _, k := range kinds {
		for _, known := range k.names {
			if name == known {
				return k.read
			}
		}
	}
	return readHistory
}

// places are the files of tools that there are on this machine: those of the working
// directory and above it, as the tools look for them, and those of the home directory.
func places(p *env.Process) (files []string) {
	home := p.Getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	add := func(file string) bool {
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return false
		}
		for _, known := range files {
			if known == file {
				return true
			}
		}
		files = append(files, file)
		return true
	}
	dir, err := os.Getwd()
	for err == nil { // the closest file of Basti counts, up to the home directory
		closest := false
		for _, name := range kinds[0].names {
			closest = closest || add(filepath.Join(dir, name))
		}
		if closest || dir == home || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	for _, name := range kinds[1].names { // the first place counts
		if add(name) {
			break
		}
	}
	if home == "" {
		return files
	}
	for _, name := range kinds[1].names {
		add(filepath.Join(home, name))
	}
	if history := p.Getenv("HISTFILE"); history != "" {
		add(history)
	}
	for _, name := range []string{".bash_history", ".zsh_history", ".histfile", ".local/share/fish/fish_history"} {
		add(filepath.Join(home, filepath.FromSlash(name)))
	}
	return files
}

// aliases are those of the AWS CLI's alias file. Entries for the shell are read as its lines.
func aliases(p *env.Process) found {
	file, entries := awsconf.SessionAliases(p.Lookup)
	f := found{source: file}
	for _, e := range entries {
		var t configs.Tunnel
		ours, err := true, error(nil)
		if e.Shell {
			t, ours, err = fromShell(p, e.Command)
		} else if !strings.Contains(e.Command, "AWS-StartPortForwarding") {
			ours = false
		} else {
			var words []string
			if words, err = awsconf.SplitWords(e.Command); err == nil {
				t, err = FromCommand(p, t, words)
			}
		}
		switch {
		case !ours && strings.Contains(e.Command, "AWS-StartPortForwarding"):
			f.leave(e.Name, "it is a program of the shell")
		case !ours:
		case err != nil:
			f.leave(e.Name, env.OneLine(err))
		default:
			t.Name = e.Name
			f.tunnels = append(f.tunnels, t)
		}
	}
	return f
}
