package tunnel

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

// Options are the options of the tunnel commands. What a tunnel's
// configuration says too is overridden by them.
type Options struct {
	Spot       configs.Tunnel // a tunnel of the command line; with names, what to change in theirs
	Open       openOptions
	Output     string // text or json
	Background bool
	RetryFor   time.Duration // what passes by itself, until it is ready; below 0: without end
	Format     string        // of `env`
	Token      bool
	Add        addOptions
	Follow     bool
	Words      []string
	Command    []string // what follows "--"
	raw        []string // the words as they were typed
	ran        bool     // a command has run: its end is ours
}

// openOptions say how a tunnel is opened.
type openOptions struct {
	Plugin  string
	NoCache bool
	Remote  bool // other machines may connect
}

// addOptions are the options of `add`.
type addOptions struct {
	document, parameters string // as start-session takes them
	project              bool   // to the project's file
}

// ReadConfig reads the files that say what tunnels there are.
func ReadConfig(p *env.Process) (configs.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return configs.Config{}, configError(err)
	}
	c, err := configs.Load(configs.Places{UserFile: userFile(p), Dir: dir, Getenv: p.Lookup})
	if err != nil {
		return c, configError(err)
	}
	return c, nil
}

// loadConfig reads them for a command that names tunnels, or describes one on
// the spot. It fails when the command needs a project's file that is not used,
// and warns of what else is not used.
func loadConfig(p *env.Process, onTheSpot bool, names ...string) (configs.Config, error) {
	c, err := ReadConfig(p)
	if err != nil {
		return c, err
	}
	_, err = c.Select(names...)
	if onTheSpot && (err != nil || len(names) == 0) {
		err = c.Faulty() // its defaults would count
	}
	if exit.As[*configs.UnusedError](err) {
		return c, configError(err)
	}
	warnOf(p, c, names)
	return c, nil
}

// warnOf tells of a project's file that is not used, wholly or in part.
func warnOf(p *env.Process, c configs.Config, names []string) {
	for _, text := range c.Warnings(names...) {
		fmt.Fprintf(p.Stderr, "ssmguard: warning: %s\n", text)
	}
}

// configError is the error for files that cannot be used, each line of it one of ours.
func configError(err error) error {
	return exit.Coded(strings.ReplaceAll(err.Error(), "\n", "\nssmguard: "), exit.Config)
}

// nameError is the error for a name that no tunnel has, perhaps because the file
// that may have it is not used.
func nameError(err error) error {
	if exit.As[*configs.UnusedError](err) {
		return configError(err)
	}
	return exit.Coded(err.Error(), exit.Usage)
}

// userFile is the user's configuration file, "" without a home.
func userFile(p *env.Process) string {
	dir := p.UserDir("XDG_CONFIG_HOME", ".config")
	if dir == "" {
		return ""
	}
	return configs.UserFile(dir)
}

// selected returns the tunnels that a command line is about: those of its names,
// with its options over theirs, or the one that its options describe.
func (o *Options) selected(c configs.Config) ([]configs.Tunnel, error) {
	if len(o.Words) == 0 {
		t, err := o.described(c)
		return []configs.Tunnel{t}, err
	}
	tunnels, err := c.Select(o.Words...)
	if err != nil {
		return nil, nameError(err)
	}
	if len(tunnels) == 0 {
		return nil, exit.Usagef("there are no tunnels in %s", strings.Join(o.Words, ", "))
	}
	s := o.Spot
	if len(tunnels) > 1 && (s.Target != "" || s.Host != "" || s.Port != 0 || s.RDS != "" || s.ElastiCache != "" || s.Reader || s.Listen != "" || s.LocalPort >= 0) {
		return nil, exit.Usagef("--target, --host, --port, --rds, --elasticache, --reader, --listen and --local-port are for one tunnel, not for %d", len(tunnels))
	}
	for i := range tunnels {
		tunnels[i] = o.over(tunnels[i])
		if err := checkEnds(tunnels[i]); err != nil {
			return nil, err
		}
	}
	return tunnels, nil
}

// spotName is the name of a tunnel that is given none.
const spotName = "tunnel"

// described is a tunnel that only the command line knows.
func (o *Options) described(c configs.Config) (configs.Tunnel, error) {
	t := o.over(configs.Tunnel{Settings: c.Defaults, Name: cmp.Or(o.Spot.Name, spotName)})
	if t.Target == "" {
		return t, exit.Usagef("name a tunnel, or give --target and --port; see %q", "ssmguard help tunnel up")
	}
	return t, checkEnds(t)
}

// checkEnds returns what is wrong with where a tunnel listens and leads, once options
// and configuration are put together.
func checkEnds(t configs.Tunnel) error {
	option := func(key string) string { return "--" + strings.ReplaceAll(key, "_", "-") }
	for _, fault := range t.EndFaults(option) {
		return exit.Usagef("%s", fault)
	}
	return nil
}

// over lays the options of the command line over a tunnel's configuration.
func (o *Options) over(t configs.Tunnel) configs.Tunnel {
	s := o.Spot
	t.Target, t.Reason, t.Guard = cmp.Or(s.Target, t.Target), cmp.Or(s.Reason, t.Reason), cmp.Or(s.Guard, t.Guard)
	t.Profile, t.Region, t.Engine = cmp.Or(s.Profile, t.Profile), cmp.Or(s.Region, t.Region), cmp.Or(s.Engine, t.Engine)
	t.Lanes, t.Wait, t.Port = cmp.Or(s.Lanes, t.Lanes), cmp.Or(s.Wait, t.Wait), cmp.Or(s.Port, t.Port)
	if s.Host != "" || s.RDS != "" || s.ElastiCache != "" {
		t.Host, t.RDS, t.ElastiCache, t.Reader = s.Host, s.RDS, s.ElastiCache, false
	}
	if s.RDS != "" || s.ElastiCache != "" {
		t.Port = s.Port // that of the configuration is another database's
	}
	t.Reader = t.Reader || s.Reader
	if s.Listen != "" || s.LocalPort >= 0 {
		t.Listen, t.LocalPort = s.Listen, max(s.LocalPort, 0)
	}
	return t
}
