package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// Options are the options of the tunnel commands. They override the keys of a tunnel's
// configuration.
type Options struct {
	Spot       configs.Tunnel // a tunnel of the command line; with names, changes to the named tunnels
	Open       openOptions
	Output     string // text or json
	Background bool
	RetryFor   time.Duration // how long faults that pass by themselves are retried before the first ready; below 0: without end
	Format     string        // --format of `env`
	Client     string        // --client
	CA         string        // --ca: the file with the authority's certificates
	TunnelOnly bool          // of `db`: no client is started
	NoToken    bool          // of `db`
	Token      bool
	Add        addOptions
	Follow     bool
	Words      []string
	Command    []string // the words after "--"
	raw        []string // the unparsed words
	ran        bool     // a command has run: its exit code is ours
}

// openOptions are the options for opening a tunnel.
type openOptions struct {
	Plugin  string
	NoCache bool
	Remote  bool // other machines may connect
}

// addOptions are the options of `add` and `edit`.
type addOptions struct {
	document, parameters string   // in start-session's form
	project              bool     // write to the project's file
	unset                []string // of edit: keys that are taken out
}

// loadConfig reads the configuration for a command that names tunnels, or describes one
// on the command line. It fails when the command needs a project's file that is not
// used, and otherwise warns of it. What is not trusted of a project's file is asked about.
func loadConfig(ctx context.Context, p *env.Process, onTheSpot bool, names ...string) (configs.Config, error) {
	dir, err := trust.WorkingDir()
	if err != nil {
		return configs.Config{}, err
	}
	c, err := trustedConfig(ctx, p, dir, onTheSpot, names...)
	if err == nil {
		warnOf(p, c, names)
	}
	return c, err
}

// trustedConfig is loadConfig for a command in a directory, without the warnings.
func trustedConfig(ctx context.Context, p *env.Process, dir string, onTheSpot bool, names ...string) (configs.Config, error) {
	c, err := trust.LoadConfig(p, dir)
	if err != nil {
		return c, err
	}
	_, err = c.Select(names...)
	var untrusted *configs.UntrustedError
	if onTheSpot && (len(names) == 0 || err != nil && !errors.As(err, &untrusted)) {
		_, err = c.OnTheSpot()
	}
	switch {
	case errors.As(err, &untrusted):
		if err := trust.Ask(ctx, p, untrusted); err != nil {
			return c, err
		}
		return trustedConfig(ctx, p, dir, onTheSpot, names...) // the file may be another one by now
	case exit.As[*configs.UnusedError](err):
		return c, exit.WithCode(err, exit.Config)
	}
	return c, nil
}

// IsConfigured reports whether a tunnel or a group of the configuration, trusted or not, has
// a name.
func IsConfigured(p *env.Process, name string) bool {
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return false
	}
	_, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	return isTunnel || isGroup
}

// meant suggests a command line for words after `tunnel` whose first one is no verb.
func meant(p *env.Process, words []string) string {
	if !IsConfigured(p, words[0]) {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", "ssmguard tunnel up "+safetext.Words(words))
}

// warnOf warns of a project's file that is not used, wholly or in part.
func warnOf(p *env.Process, c configs.Config, names []string) {
	for _, text := range c.Warnings(names...) {
		safetext.Fprintf(p.Stderr, "ssmguard: warning: %s\n", text)
	}
}

// selected returns the tunnels of a command line: the named tunnels with its options
// applied, or the tunnel that its options describe.
func (o *Options) selected(c configs.Config) ([]configs.Tunnel, error) {
	if len(o.Words) == 0 {
		t, err := o.described(c)
		return []configs.Tunnel{t}, err
	}
	tunnels, err := c.Select(o.Words...)
	if err != nil {
		return nil, tunnelfile.NameError(err)
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

// together returns the tunnels of a command line that are to be open at the same time.
func (o *Options) together(c configs.Config) ([]configs.Tunnel, error) {
	tunnels, err := o.selected(c)
	if err != nil {
		return nil, err
	}
	for _, twin := range configs.Twins(tunnels) {
		return nil, exit.WithCode(twin, exit.Config)
	}
	return tunnels, nil
}

// spotName is the name of a tunnel without --name.
const spotName = "tunnel"

// described returns the tunnel that the options describe.
func (o *Options) described(c configs.Config) (configs.Tunnel, error) {
	settings, err := c.OnTheSpot()
	if err != nil {
		return configs.Tunnel{}, exit.WithCode(err, exit.Config)
	}
	t := o.over(configs.Tunnel{Settings: settings, Name: cmp.Or(o.Spot.Name, spotName)})
	if t.Target == "" {
		return t, exit.Usagef("name a tunnel, or give --target and --port; see %q", "ssmguard help tunnel up")
	}
	return t, checkEnds(t)
}

// checkEnds checks both ends of a tunnel, with options and configuration merged.
func checkEnds(t configs.Tunnel) error {
	option := func(key string) string { return "--" + strings.ReplaceAll(key, "_", "-") }
	for _, fault := range t.EndFaults(option) {
		return exit.Usagef("%s", fault.Text)
	}
	return nil
}

// over returns a tunnel with the options of the command line applied.
func (o *Options) over(t configs.Tunnel) configs.Tunnel {
	s := o.Spot
	t.Target, t.Reason, t.Guard = cmp.Or(s.Target, t.Target), cmp.Or(s.Reason, t.Reason), cmp.Or(s.Guard, t.Guard)
	t.Profile, t.Region, t.Engine = cmp.Or(s.Profile, t.Profile), cmp.Or(s.Region, t.Region), cmp.Or(s.Engine, t.Engine)
	t.Peer = cmp.Or(s.Peer, t.Peer)
	t.Lanes, t.Wait, t.Port = cmp.Or(s.Lanes, t.Lanes), cmp.Or(s.Wait, t.Wait), cmp.Or(s.Port, t.Port)
	if s.Host != "" || s.RDS != "" || s.ElastiCache != "" {
		t.DBEngine = "" // the configured one is that of another database
		t.Host, t.RDS, t.ElastiCache, t.Reader = s.Host, s.RDS, s.ElastiCache, false
	}
	if s.RDS != "" || s.ElastiCache != "" {
		t.Port = s.Port // the configured port is that of another database
	}
	t.DBEngine = cmp.Or(s.DBEngine, t.DBEngine)
	t.Reader = t.Reader || s.Reader
	t.SOCKS, t.HTTPProxy, t.To = cmp.Or(s.SOCKS, t.SOCKS), cmp.Or(s.HTTPProxy, t.HTTPProxy), cmp.Or(s.To, t.To)
	t.Lazy, t.Idle = cmp.Or(s.Lazy, t.Lazy), cmp.Or(s.Idle, t.Idle)
	if s.Listen != "" || s.LocalPort >= 0 {
		t.Listen, t.LocalPort = s.Listen, max(s.LocalPort, 0)
	}
	return t
}
