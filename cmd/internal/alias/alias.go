package alias

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/session"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/self"
	"ssmguard/internal/usertext"
)

// Shells are the shells for which snippets exist.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

// Command declares `ssmguard alias`.
func Command() *command.Command {
	return &command.Command{
		Command: cli.Command{
			Name: "alias", Category: command.Setup, SkipFlagParsing: true, ArgsUsage: "[" + strings.Join(Shells, "|") + "] [options]",
			Usage: "put ssmguard in front of the AWS CLI and ssh",
			Description: `Puts ssmguard in front of "aws ssm start-session" and "aws ecs execute-command"; every
other command goes on to the AWS CLI. The shell is that of $SHELL unless it is named, and
gets a function. Without --install or --uninstall it only prints what would be done.

It writes no entry for ~/.aws/cli/alias: the AWS CLI would drop --profile and --region on
the way.`,
		},
		Options: func() []command.Flag { return new(aliasOptions).flags() },
		Words:   strings.Join(Shells, "|"),
		Examples: []command.Example{
			{Line: "ssmguard alias bash --install", Text: "check the sessions that \"aws\" starts when it is typed in that shell"},
			{Line: "ssmguard alias --shim ~/bin --install", Text: "check those of scripts and IDEs, where ~/bin comes before the AWS CLI in PATH"},
			{Line: "ssmguard alias --ssh-config --install", Text: "let ssh, scp, rsync and editors reach hosts named i-... and mi-..."},
		},
		Files: []command.File{{Name: "~/.bashrc, ~/.bash_profile, $ZDOTDIR/.zshrc, ~/.config/fish/conf.d/ssmguard.fish, ~/.ssh/config", Text: "Written by \"ssmguard alias --install\" only."}},
		Run:   Run,
	}
}

// aliasOptions is an alias command line.
type aliasOptions struct {
	process                   *env.Process
	system                    string // a GOOS
	place                     string // a shell, ssh, or shim
	Shim                      string // the folder of the shim
	Install, Uninstall, Print bool
	SSH                       bool
}

func (o *aliasOptions) flags() []command.Flag {
	return []command.Flag{
		{Name: "--install", Text: "do it; again changes nothing", Set: command.Switch(&o.Install)},
		{Name: "--uninstall", Text: "undo it", Set: command.Switch(&o.Uninstall)},
		{Name: "--print", Text: "print it, which is the default", Set: command.Switch(&o.Print)},
		{Name: "--shim", Value: "DIR", Set: command.Text(&o.Shim),
			Text: "a program named aws in DIR, for what no shell function reaches: scripts, IDEs; DIR has to come early in PATH"},
		{Name: "--ssh-config", Set: command.Switch(&o.SSH),
			Text: "an entry in ~/.ssh/config that reaches i-... and mi-... hosts through ssmguard ssh-proxy"},
	}
}

// Run runs the words after `alias`.
func Run(_ context.Context, p *env.Process, words []string) error {
	o := aliasOptions{process: p, system: runtime.GOOS}
	words, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); i >= 0 {
		return exit.Usagef("%s", exit.UnknownWord(words[i:], command.Names(o.flags()), fmt.Sprintf("; see %q", "ssmguard help alias")))
	}
	if err := o.complete(words); err != nil {
		return err
	}
	return o.run()
}

func (o *aliasOptions) complete(words []string) error {
	chosen := 0
	for _, on := range []bool{o.Install, o.Uninstall, o.Print} {
		if on {
			chosen++
		}
	}
	what := len(words)
	if o.SSH {
		what++
	}
	if o.Shim != "" {
		what++
	}
	switch {
	case chosen > 1:
		return exit.Usagef("--install, --uninstall and --print exclude each other")
	case what > 1:
		return exit.Usagef("one shell, --shim or --ssh-config at a time; see %q", "ssmguard help alias")
	case o.SSH:
		o.place = "ssh"
	case o.Shim != "":
		o.place = "shim"
	case len(words) == 1:
		o.place = words[0]
	default:
		o.place = filepath.Base(o.process.Getenv("SHELL"))
		if o.system == "windows" && o.process.Getenv("SHELL") == "" {
			o.place = "powershell"
		} else if o.process.Getenv("SHELL") == "" {
			return exit.Usagef("SHELL is not set; name a shell: %s", strings.Join(Shells, ", "))
		}
	}
	if o.place == "shim" {
		return nil
	}
	if _, err := configs.Alias(o.place, programName); err != nil {
		return exit.Usagef("%v", err)
	}
	return nil
}

// program is the path by which others start ssmguard: that in PATH if it is this program, for
// a new version may take its place there, else that of the running program.
func program(p *env.Process) (string, error) {
	self, err := self.Path()
	if err != nil {
		return "", err
	}
	running, err := os.Stat(self)
	if err != nil {
		return "", err
	}
	for _, dir := range filepath.SplitList(p.Getenv("PATH")) {
		path := filepath.Join(dir, programName)
		if found, err := os.Stat(path); err == nil && filepath.IsAbs(dir) && os.SameFile(running, found) {
			return path, nil
		}
	}
	return self, nil
}

func (o *aliasOptions) run() error {
	if o.place == "shim" {
		return o.shim()
	}
	path, err := program(o.process)
	if err != nil {
		return err
	}
	snippet, err := configs.Alias(o.place, path)
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	if !o.Install && !o.Uninstall {
		_, err := io.WriteString(o.process.Stdout, snippet)
		return err
	}
	files, err := o.startFiles()
	if err != nil {
		return err
	}
	if o.Uninstall {
		snippet = ""
	}
	for _, file := range files {
		changed, err := setBlock(file, snippet)
		if err != nil {
			return unwritable(file, err)
		}
		safetext.Fprintf(o.process.Notes(), "ssmguard: %s\n", o.done(file, changed))
	}
	if o.Install && o.place == "powershell" && o.system == "windows" {
		safetext.Fprintf(o.process.Notes(), "ssmguard: if PowerShell says that running scripts is disabled, allow your own: Set-ExecutionPolicy -Scope CurrentUser RemoteSigned\n")
	}
	return nil
}

// unwritable names the file that could not be written; the error itself names a
// temporary file or a folder.
func unwritable(file string, err error) error {
	var path *fs.PathError
	switch {
	case exit.As[exit.CodedError](err):
		return err
	case errors.As(err, &path):
		err = path.Err
	}
	return exit.Coded(fmt.Sprintf("%s cannot be written: %v", file, err), exit.Config)
}

// done describes the change of a file.
func (o *aliasOptions) done(file string, changed bool) string {
	switch {
	case !changed && o.Install:
		return "already installed in " + file
	case !changed:
		return "not installed in " + file
	case o.Uninstall:
		return "removed from " + file
	case o.place == "ssh":
		return "installed in " + file + "; try: ssh i-0123456789abcdef0"
	}
	load := "source"
	if o.place == "powershell" {
		load = "."
	}
	return fmt.Sprintf("installed in %s; open a new shell, or run: %s %s", file, load, safetext.Word(file))
}

// startFiles are the files that the shell, or ssh, reads at its start.
func (o *aliasOptions) startFiles() ([]string, error) {
	home := o.process.Getenv("HOME")
	if home == "" {
		return nil, exit.Coded("HOME is not set, so the file to write cannot be found", exit.Config)
	}
	config := o.process.UserDir("XDG_CONFIG_HOME", ".config")
	switch o.place {
	case "bash":
		return append([]string{filepath.Join(home, ".bashrc")}, o.bashLogin(home)...), nil
	case "zsh":
		if dir := o.process.Getenv("ZDOTDIR"); dir != "" {
			home = dir
		}
		return []string{filepath.Join(home, ".zshrc")}, nil
	case "fish":
		return []string{filepath.Join(config, "fish", "conf.d", "ssmguard.fish")}, nil
	case "powershell":
		return powershellProfiles(home, config), nil
	case "ssh":
		return []string{filepath.Join(home, ".ssh", "config")}, nil
	}
	return nil, exit.Usagef("%s has no start file", o.place)
}

// bashLogin is the file that bash reads as a login shell, which the terminals of macOS start,
// where it does not read .bashrc, too: the first of three that is there. On uninstalling it
// is each of them that has our block.
func (o *aliasOptions) bashLogin(home string) (files []string) {
	for _, name := range []string{".bash_profile", ".bash_login", ".profile"} {
		file := filepath.Join(home, name)
		text, err := usertext.ReadFile(file)
		switch {
		case err != nil:
			continue
		case o.Uninstall:
			if bytes.Contains(text, []byte(blockStart)) {
				files = append(files, file)
			}
			continue
		case bytes.Contains(text, []byte("bashrc")) && !bytes.Contains(text, []byte(blockStart)):
			return nil
		}
		return []string{file}
	}
	if !o.Uninstall && o.system == "darwin" {
		files = []string{filepath.Join(home, ".bash_profile")}
	}
	return files
}

// shim makes or removes a program named aws that is ssmguard.
func (o *aliasOptions) shim() error {
	self, err := self.Path()
	if err != nil {
		return err
	}
	name := filepath.Join(o.Shim, shimName)
	mine, err := session.IsShim(name, self)
	if err != nil {
		return err
	}
	switch {
	case !o.Install && !o.Uninstall:
		_, err := safetext.Fprintf(o.process.Stdout, "%s\n", shimCommand(name, self))
		return err
	case o.Uninstall && mine:
		if err := os.Remove(name); err != nil {
			return err
		}
	case o.Install && !mine:
		if _, err := os.Lstat(name); err == nil {
			return exit.Coded(name+" is another program; choose another folder", exit.Config)
		}
		if err := os.MkdirAll(o.Shim, 0o755); err != nil {
			return unwritable(name, err)
		}
		if err := makeShim(name, self); err != nil {
			return unwritable(name, err)
		}
	default:
		safetext.Fprintf(o.process.Notes(), "ssmguard: nothing to do for %s\n", name)
		return nil
	}
	done := "installed"
	if o.Uninstall {
		done = "removed"
	}
	safetext.Fprintf(o.process.Notes(), "ssmguard: %s %s\n", done, name)
	return nil
}

const (
	blockStart = "# >>> ssmguard >>>"
	blockEnd   = "# <<< ssmguard <<<"
)

// setBlock puts text between the marker lines of a file; a file without marker lines
// gets them at its end, and an empty text removes them. A file's mode, encoding and line
// ends are kept, a new file has mode 0600, and symbolic links are followed. changed is false when the file
// was right already.
func setBlock(file, text string) (changed bool, err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	old, form, err := usertext.Decode(data)
	if err != nil {
		return false, exit.WithCode(fmt.Errorf("%s: %w", file, err), exit.Config)
	}
	updated, err := withBlock(string(old), text)
	switch {
	case err != nil:
		return false, exit.WithCode(fmt.Errorf("%s: %w", file, err), exit.Config)
	case strings.Trim(updated, "\r\n") == "" && text == "" && updated != string(old):
		return true, os.Remove(file) // the block was its only content
	}
	fresh := form.Encode([]byte(updated))
	if bytes.Equal(fresh, data) {
		return false, nil
	}
	return true, env.ReplaceFile(file, string(fresh))
}

// withBlock returns content with the block set: in the place of the first one, and the
// only one. The lines of content may end as on Windows.
func withBlock(content, text string) (string, error) {
	if text != "" {
		text = blockStart + "\n" + strings.TrimRight(text, "\n") + "\n" + blockEnd + "\n"
	}
	var kept strings.Builder
	inBlock, set := false, false
	for line := range strings.Lines(content) {
		switch mark := strings.TrimRight(line, "\r\n"); {
		case mark == blockStart:
			if inBlock = true; !set {
				kept.WriteString(text)
				set = true
			}
		case inBlock:
			inBlock = mark != blockEnd
		default:
			kept.WriteString(line)
		}
	}
	if inBlock {
		return "", fmt.Errorf("the line %q is missing; remove the block by hand", blockEnd)
	}
	if text != "" && !set {
		if content != "" && !strings.HasSuffix(content, "\n") {
			kept.WriteString("\n")
		}
		kept.WriteString(text)
	}
	return kept.String(), nil
}
