package tunnel

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/service"
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
	Health     string         // --health: where the process answers for its tunnels
	RetryFor   time.Duration  // how long faults that pass by themselves are retried before the first ready; below 0: without end
	Format     string         // --format of `env`
	Client     string         // --client
	Shell      safetext.Shell // --shell of `env`
	CA         string         // --ca: the file with the authority's certificates
	TunnelOnly bool           // of `db`: no client is started
	NoToken    bool           // of `db`
	Token      bool
	Add        addOptions
	Follow     bool
	Service    service.Options
	Watch      bool          // of `ls`
	Timeout    time.Duration // of `wait`
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
	Yes     bool // a stopped target may be started
}

// addOptions are the options of `add` and `edit`.
type addOptions struct {
	document, parameters string   // in start-session's form
	project              bool     // write to the project's file
	unset                []string // of edit: keys that are taken out
}

// meant suggests a command line for words after `tunnel` whose first one is no verb.
func meant(p *env.Process, words []string) string {
	if !trust.IsConfigured(p, words[0]) {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", "ssmguard tunnel up "+safetext.Words(words))
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
	if t.Target == "" && !t.FindsTarget() {
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
	t.Start = cmp.Or(s.Start, t.Start)
	t.SOCKS, t.HTTPProxy, t.To = cmp.Or(s.SOCKS, t.SOCKS), cmp.Or(s.HTTPProxy, t.HTTPProxy), cmp.Or(s.To, t.To)
	t.Lazy, t.Idle = cmp.Or(s.Lazy, t.Lazy), cmp.Or(s.Idle, t.Idle)
	if s.Listen != "" || s.LocalPort >= 0 {
		t.Listen, t.LocalPort = s.Listen, max(s.LocalPort, 0)
	}
	return t
}
