package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/private"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
)

// Service is a tunnel, or a group of them, that a service manager keeps open.
type Service struct {
	Tunnel    string   // its name in a configuration file
	Program   string   // the absolute path of ssmguard
	Dir       string   // where the project's file is that has it, "" for the user's file
	Variables []string // NAME=value, of this process's environment
	Home      string
	Config    string // the user's directory for configuration
	User      string // the user's number
}

// mark is the line by which a file is known to be ours.
const mark = "Written by: ssmguard tunnel service install"

// manager is a service manager.
type manager struct {
	name    string
	program string // that controls it
	file    func(Service) string
	refuses func(Service) error // what its file cannot say
	text    func(Service) string
	start   func(Service) [][]string // the commands after the file is written
	stop    func(Service) [][]string // those before it is removed
	after   [][]string               // those after that
	logs    func(Service) string     // the command that shows what the service says
	note    string
}

// Managers are the names of the service managers.
func Managers() []string { return []string{systemd.name, launchd.name} }

// managerOf returns a manager by its name, or this system's without one.
func managerOf(name, system string) (manager, error) {
	switch {
	case name == systemd.name, name == "" && system == "linux":
		return systemd, nil
	case name == launchd.name, name == "" && system == "darwin":
		return launchd, nil
	}
	return manager{}, exit.Usagef("there is neither systemd nor launchd on %s; have its own scheduler start %q when you log in", system, "ssmguard tunnel up NAME")
}

// Options say what is done.
type Options struct {
	Manager string // of Managers; "": this system's
	Print   bool   // print what would be written, and do nothing
	Yes     bool   // do not ask
}

// Flags returns the options of Run.
func (o *Options) Flags() []command.Flag {
	return []command.Flag{
		{Name: "--print", Text: "print the file, and do nothing", Set: command.Switch(&o.Print)},
		{Name: "--yes", Short: "-y", Text: "do not ask", Set: command.Switch(&o.Yes)},
		{Name: "--manager", Value: "MANAGER", Choices: Managers(), Text: "the service manager; without it, this system's", Set: command.Text(&o.Manager)},
	}
}

// Run installs or removes the service of a tunnel or a group: install NAME or remove NAME.
func Run(ctx context.Context, p *env.Process, words []string, o Options) error {
	if len(words) != 2 || words[0] != "install" && words[0] != "remove" {
		return exit.Usagef("tunnel service takes what to do and one name: ssmguard tunnel service install NAME, or remove NAME")
	}
	m, err := managerOf(o.Manager, runtime.GOOS)
	if err != nil {
		return err
	}
	if err := configs.CheckName(words[1]); err != nil {
		return exit.Usagef("no tunnel is called %q: %v", words[1], err)
	}
	if words[0] == "remove" {
		return remove(ctx, p, m, words[1], o)
	}
	s, err := describe(ctx, p, words[1])
	if err != nil {
		return err
	}
	return install(ctx, p, m, s, o)
}

// passedOn are the variables of this environment that a service gets, as it would not have
// them otherwise: whose credentials, and where programs are that make them. None is a secret.
var passedOn = []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CA_BUNDLE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "NO_PROXY", "PATH"}

// place returns a service's place on this machine.
func place(p *env.Process, name string) (Service, error) {
	s := Service{Tunnel: name, Home: p.Getenv("HOME"), Config: p.UserDir("XDG_CONFIG_HOME", ".config"), User: strconv.Itoa(os.Getuid())}
	if s.Home == "" {
		return s, exit.Coded("a service needs a home directory; set HOME", exit.Config)
	}
	return s, nil
}

// describe returns the service of a tunnel or a group of the configuration.
func describe(ctx context.Context, p *env.Process, name string) (Service, error) {
	s, err := place(p, name)
	if err != nil {
		return s, err
	}
	c, err := trust.LoadNeeded(ctx, p, false, name)
	if err != nil {
		return s, err
	}
	tunnels, err := c.Select(name)
	if err != nil {
		return s, exit.WithCode(err, exit.Usage)
	}
	for _, t := range tunnels {
		if t.File != "" && t.File == c.Project() {
			s.Dir = filepath.Dir(t.File)
		}
	}
	if s.Program, err = ourselves(); err != nil {
		return s, err
	}
	for _, name := range passedOn {
		if value := p.Getenv(name); value != "" {
			s.Variables = append(s.Variables, name+"="+value)
		}
	}
	if p.Getenv("AWS_ACCESS_KEY_ID") != "" {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: the service does not get the keys of this environment (AWS_ACCESS_KEY_ID); it needs a profile\n")
	}
	for _, value := range append([]string{s.Program, s.Dir}, s.Variables...) {
		if err := checked(safetext.Line(value), value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// ourselves returns the path of this program that a user would type: that in PATH, if it is
// this one, as a package manager replaces what it leads to.
func ourselves() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("ssmguard"); err == nil {
		if info, err := os.Stat(path); err == nil {
			if own, err := os.Stat(self); err == nil && os.SameFile(info, own) {
				return filepath.Abs(path)
			}
		}
	}
	return filepath.Abs(self)
}

// shown prints a file, and the commands that follow.
func shown(p *env.Process, file, text string, commands [][]string) error {
	if _, err := safetext.Fprintf(p.Notes(), "ssmguard: %s:\n", file); err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if _, err := safetext.Fprintf(p.Stderr, "    %s\n", strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
	for _, words := range commands {
		if _, err := safetext.Fprintf(p.Notes(), "ssmguard: then: %s\n", safetext.Words(words)); err != nil {
			return err
		}
	}
	return nil
}

// agreed asks whether what was shown is to be done.
func agreed(ctx context.Context, p *env.Process, o Options, question string) error {
	if o.Yes {
		return nil
	}
	if !p.CanConfirm() {
		return exit.Usagef("nothing is changed without a word: --yes does it, --print prints the file alone")
	}
	yes, err := p.Confirm(ctx, question)
	if err == nil && !yes {
		return exit.Coded("nothing was changed", exit.Other)
	}
	return err
}

// install writes the file of a service and has it started.
func install(ctx context.Context, p *env.Process, m manager, s Service, o Options) error {
	if err := m.refuses(s); err != nil {
		return err
	}
	file, text := m.file(s), m.text(s)
	if o.Print {
		_, err := safetext.Fprintf(p.Stdout, "%s", safetext.Own(text)) // what it has of others was checked
		return err
	}
	if _, err := exec.LookPath(m.program); err != nil {
		return exit.Coded(fmt.Sprintf("there is no %s here, by which services are started; --print prints the file", m.program), exit.Config)
	}
	if err := ours(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := shown(p, file, text, m.start(s)); err != nil {
		return err
	}
	if err := agreed(ctx, p, o, "install it?"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := private.WriteFile(file, []byte(text)); err != nil {
		return err
	}
	if err := run(ctx, p, m.start(s)); err != nil {
		return err
	}
	safetext.Fprintf(p.Notes(), "ssmguard: %s is a service of %s; %s\n", s.Tunnel, m.name, m.note)
	safetext.Fprintf(p.Notes(), "ssmguard: what it says: %s\n", m.logs(s))
	return nil
}

// remove stops a service and removes its file.
func remove(ctx context.Context, p *env.Process, m manager, name string, o Options) error {
	s, err := place(p, name)
	if err != nil {
		return err
	}
	file := m.file(s)
	switch err := ours(file); {
	case errors.Is(err, fs.ErrNotExist):
		safetext.Fprintf(p.Notes(), "ssmguard: %s is no service of %s\n", name, m.name)
		return nil
	case err != nil:
		return err
	}
	if o.Print {
		_, err := safetext.Fprintf(p.Stdout, "%s\n", file)
		return err
	}
	for _, words := range m.stop(s) {
		safetext.Fprintf(p.Notes(), "ssmguard: first: %s\n", safetext.Words(words))
	}
	safetext.Fprintf(p.Notes(), "ssmguard: then %s is removed\n", file)
	if err := agreed(ctx, p, o, "remove it?"); err != nil {
		return err
	}
	stopped := run(ctx, p, m.stop(s)) // one that is not running is removed all the same
	if err := os.Remove(file); err != nil {
		return err
	}
	return errors.Join(stopped, run(ctx, p, m.after))
}

// ours returns nil if a file is one that install has written, else why not.
func ours(file string) error {
	text, err := usertext.ReadFile(file)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), mark) {
		return exit.Coded(file+" was not written by `ssmguard tunnel service install`, and stays as it is", exit.Config)
	}
	return nil
}

// run runs commands one after the other, and ends with the first that fails.
func run(ctx context.Context, p *env.Process, commands [][]string) error {
	for _, words := range commands {
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Env = p.Environ
		if out, err := cmd.CombinedOutput(); err != nil {
			said := strings.Join(strings.Fields(string(out)), " ")
			var ended *exec.ExitError
			if errors.As(err, &ended) {
				err = fmt.Errorf("it ended with %d", ended.ExitCode())
			}
			return exit.Coded(safetext.Sprintf("%s: %v: %s", safetext.Words(words), err, said), exit.Other)
		}
	}
	return nil
}
