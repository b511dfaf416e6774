package tunnelfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
	"ssmguard/internal/yamlfile"
)

// target is a configuration file that is to be written.
type target struct {
	file    string
	project bool // a project's file
	data    []byte
}

// vars are the variables that the file may use.
func (f target) vars(p *env.Process) configs.Variables {
	return configs.Variables{Lookup: p.Lookup, Project: f.project}
}

// read reads the file's text; a file that does not exist has none. The written file will
// belong to the user, so a project's file of others is refused.
func (f *target) read(p *env.Process) (err error) {
	if f.project {
		f.data, err = configs.ReadOwned(f.file, p.Lookup)
	} else {
		f.data, err = yamlfile.ReadFile(f.file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exit.WithCode(err, exit.Config)
	}
	return nil
}

// write replaces the file's text, in the file's encoding.
func (f target) write(text []byte) error {
	file := f.file
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a link stays a link
	}
	if err := env.ReplaceFile(file, string(usertext.Like(file, text))); err != nil {
		return exit.WithCode(err, exit.Config)
	}
	return nil
}

// trusted trusts a tunnel that a command of ours has written into a project's file.
func (f target) trusted(ctx context.Context, p *env.Process, name string) {
	if !f.project {
		return
	}
	if err := trust.Written(ctx, p, filepath.Dir(f.file), name); err != nil {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %v\n", err)
	}
}

// Add writes a tunnel into the user's file, or into the project's in the working
// directory, and prints the lines that are new.
func Add(ctx context.Context, p *env.Process, t configs.Tunnel, project bool) error {
	a, err := Propose(p, project)
	if err != nil {
		return err
	}
	if err := a.Add(p, t); err != nil {
		return err
	}
	if err := a.Write(ctx, p); err != nil {
		return err
	}
	return a.Print(p)
}

// Addition is tunnels that are to be written into a file.
type Addition struct {
	f     target
	added string // the lines that are new
	names []string
}

// Propose begins an addition to the user's file, or to the project's in the working
// directory.
func Propose(p *env.Process, project bool) (*Addition, error) {
	f := target{file: trust.UserFile(p), project: project}
	if project {
		dir, err := trust.WorkingDir()
		if err != nil {
			return nil, err
		}
		f.file = filepath.Join(dir, configs.ProjectFile)
	}
	if f.file == "" {
		return nil, exit.Coded("no home directory; set HOME, or give --project", exit.Config)
	}
	return &Addition{f: f}, f.read(p)
}

// File is the file that would be written.
func (a *Addition) File() string { return a.f.file }

// Add adds one more tunnel. It writes nothing.
func (a *Addition) Add(p *env.Process, t configs.Tunnel) error {
	text, added, err := configs.AddTunnel(a.f.file, a.f.data, t, a.f.vars(p))
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	a.f.data, a.added, a.names = text, a.added+added, append(a.names, t.Name)
	return nil
}

// Write writes the file.
func (a *Addition) Write(ctx context.Context, p *env.Process) error {
	if err := a.f.write(a.f.data); err != nil {
		return err
	}
	safetext.Fprintf(p.Notes(), "ssmguard: added to %s\n", a.f.file)
	for _, name := range a.names {
		a.f.trusted(ctx, p, name)
		warnOfTwins(p, name)
	}
	return nil
}

// Print prints the lines that are new.
func (a *Addition) Print(p *env.Process) error {
	_, err := safetext.Fprintf(p.Stdout, "%s", safetext.Own(safetext.Text(a.added)))
	return err
}

// Edit changes a tunnel in the file that has it.
func Edit(ctx context.Context, p *env.Process, name string, change func(configs.Tunnel) (configs.Tunnel, error)) error {
	c, f, err := find(p, name)
	if err != nil {
		return err
	}
	text, err := configs.EditTunnel(f.file, f.data, name, change, f.vars(p))
	switch {
	case exit.As[exit.CodedError](err):
		return err // of change
	case err != nil:
		return exit.WithCode(err, exit.Config)
	}
	if string(text) == string(f.data) {
		safetext.Fprintf(p.Notes(), "ssmguard: %s is as it was\n", name)
		return nil
	}
	if err := f.write(text); err != nil {
		return err
	}
	safetext.Fprintf(p.Notes(), "ssmguard: changed in %s\n", f.file)
	if !c.IsUntrusted(name) { // else the rest of it is of others, and has been seen by nobody
		f.trusted(ctx, p, name)
	}
	warnOfTwins(p, name)
	tellOpen(p, name, "restart")
	return Show(p, []string{name}, false)
}

// Remove takes tunnels out of the files that have them, and prints the lines that are gone.
func Remove(ctx context.Context, p *env.Process, names []string) error {
	for _, name := range names {
		c, f, err := find(p, name)
		if err != nil {
			return err
		}
		text, removed, err := configs.RemoveTunnel(f.file, f.data, name, f.vars(p))
		if err != nil {
			return exit.WithCode(err, exit.Config)
		}
		if err := f.write(text); err != nil {
			return err
		}
		safetext.Fprintf(p.Notes(), "ssmguard: removed from %s\n", f.file)
		if !c.IsUntrusted(name) {
			f.trusted(ctx, p, name) // the file is as its user has made it
		}
		tellOpen(p, name, "down")
		if _, err := safetext.Fprintf(p.Stdout, "%s", safetext.Own(safetext.Text(removed))); err != nil {
			return err
		}
	}
	return nil
}

// find returns the configuration and the file of it that has a tunnel, read.
func find(p *env.Process, name string) (c configs.Config, f target, err error) {
	if c, err = trust.LoadConfigHere(p); err != nil {
		return c, f, err
	}
	t, ok := c.Tunnels[name]
	if !ok {
		if _, isGroup := c.Groups[name]; isGroup {
			return c, f, exit.Usagef("%s is a group; name one of its tunnels", name)
		}
		_, err := c.Members(name)
		return c, f, NameError(err)
	}
	f = target{file: t.File, project: t.File == c.Project()}
	return c, f, f.read(p)
}

// NameError gives the error for an unknown tunnel its exit code: Config if a file that
// is not used may have the name, if its group is faulty or if the name is not trusted,
// otherwise Usage.
func NameError(err error) error {
	if exit.As[*configs.UnusedError](err) || exit.As[*configs.UntrustedError](err) || exit.As[yamlfile.Faults](err) {
		return exit.WithCode(err, exit.Config)
	}
	return exit.WithCode(err, exit.Usage)
}

// warnOfTwins warns of the other tunnels that have a tunnel's local end.
func warnOfTwins(p *env.Process, name string) {
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return
	}
	for _, twin := range c.Twins() {
		if twin.First.Name == name || twin.Second.Name == name {
			safetext.Fprintf(p.Notes(), "ssmguard: warning: %v\n", twin)
		}
	}
}

// tellOpen says that a tunnel is open as its file was, and how to change that.
func tellOpen(p *env.Process, name, verb string) {
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return
	}
	recs, err := r.Holding(name)
	if err != nil || len(recs) == 0 {
		return
	}
	if recs[0].Foreground && verb == "restart" {
		safetext.Fprintf(p.Notes(), "ssmguard: %s is open as it was, in %v; restart it there\n", name, recs[0])
		return
	}
	safetext.Fprintf(p.Notes(), "ssmguard: %s is open as it was, in %s; %q changes that\n", name, recs[0].Place(),
		fmt.Sprintf("ssmguard tunnel %s %s", verb, recs[0].AskedFor()[0]))
}
