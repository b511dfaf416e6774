package configs

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/yamlfile"
)

// File is one configuration file: ~/.config/ssmguard/config.yaml, or a
// project's .ssmguard.yaml.
type File struct {
	Defaults Settings            `yaml:"defaults"`
	Tunnels  map[string]Tunnel   `yaml:"tunnels"`
	Groups   map[string][]string `yaml:"groups"`

	lines map[string]int // of groups
}

// Settings are keys of a tunnel and of defaults, which apply to all tunnels.
type Settings struct {
	Profile string    `yaml:"profile"`
	Region  string    `yaml:"region"`
	Reason  string    `yaml:"reason"` // shown in the session history of the account
	Guard   GuardMode `yaml:"guard"`  // off, warn, on, strict; a project's file can only make it stricter
	Engine  string    `yaml:"engine"` // native, plugin
	Peer    string    `yaml:"peer"`   // own, any: who may use the port; any does not count in a project's file
	Lanes   int       `yaml:"lanes"`  // sessions that share the connections
	Wait    Wait      `yaml:"wait"`   // how long a tunnel that is being opened waits for an answer of the remote port
	Lazy    Switch    `yaml:"lazy"`   // sessions start with a connection, and end when there was none for Idle
	Idle    Idle      `yaml:"idle"`   // for Lazy and proxies; 0: DefaultIdle
}

// Tunnel is a local port that leads to a port behind a bastion or, with SOCKS or HTTPProxy, to
// as many as its clients ask for.
type Tunnel struct {
	Settings    `yaml:",inline"`
	Target      string `yaml:"target"`      // i-..., mi-..., ecs:..., tag:KEY=VALUE, or the value of a Name tag; "" for rds and elasticache: one that reaches the database
	Start       Switch `yaml:"start"`       // a stopped target is started, if the user agrees
	Host        string `yaml:"host"`        // seen from the target; "" means the target itself, as does loopback
	Port        int    `yaml:"port"`        // remote port
	LocalPort   int    `yaml:"local_port"`  // 0: any free one
	Listen      string `yaml:"listen"`      // ADDR:PORT or unix:PATH, instead of local_port
	RDS         string `yaml:"rds"`         // identifier of a DB cluster, instance or proxy, or its endpoint, instead of host and port
	ElastiCache string `yaml:"elasticache"` // identifier of a cache, or its endpoint, instead of host and port
	Reader      bool   `yaml:"reader"`      // the reader endpoint of what rds or elasticache names

	SOCKS     string       `yaml:"socks"`      // PORT, ADDR:PORT or unix:PATH: a SOCKS5 proxy in the place of a port that leads to one other
	HTTPProxy string       `yaml:"http_proxy"` // likewise, a proxy for HTTP CONNECT
	To        Destinations `yaml:"to"`         // where the proxies lead; "" is everywhere

	Login `yaml:",inline"`

	Name    string `yaml:"-"` // its key in the file
	File    string `yaml:"-"` // it was read from; "" for one that is in no file
	From    string `yaml:"-"` // file:line of it
	Found   bool   `yaml:"-"` // Target was not given, and has been found
	project bool   // the file is a project's
}

// Login is how a client logs in to the database behind a tunnel, for `tunnel env`.
type Login struct {
	User     string `yaml:"user"`
	Database string `yaml:"database"`
	IAMAuth  bool   `yaml:"iam_auth"` // the database takes an IAM token as password
	// DBEngine is one of DatabaseEngines. A file may give it as engine, too, if that does not
	// say what carries the sessions.
	DBEngine string `yaml:"db_engine" json:",omitempty"`
}

// Wait is a duration; "true" is DefaultWait and "false" is noWait. 0 is a value that is
// not given: the defaults apply.
type Wait time.Duration

// DefaultWait is how long `wait: true` waits for the remote port.
const DefaultWait = Wait(15 * time.Second)

// noWait is the value of `wait: false`: no wait, whatever the defaults say.
const noWait = Wait(-1)

// UnmarshalYAML reads true, false or a Go duration such as 30s.
func (w *Wait) UnmarshalYAML(n *yaml.Node) error {
	switch n.Value {
	case "true":
		*w = DefaultWait
	case "false":
		*w = noWait
	default:
		d, err := time.ParseDuration(n.Value)
		if err != nil || d < 0 {
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: give true, false or a duration such as 30s, not %q", n.Line, n.Value)}}
		}
		*w = cmp.Or(Wait(d), noWait)
	}
	return nil
}

// Switch is a key that is true, false or not given, which is its zero value.
type Switch int8

// The values of a Switch that is given.
const (
	On  Switch = 1
	Off Switch = -1
)

// UnmarshalYAML reads true or false.
func (s *Switch) UnmarshalYAML(n *yaml.Node) error {
	var on bool
	if err := n.Decode(&on); err != nil {
		return err
	}
	*s = Off
	if on {
		*s = On
	}
	return nil
}

// Idle is how long a session is kept without a connection.
type Idle time.Duration

// DefaultIdle is the Idle of tunnels that give none. AWS ends sessions by itself after 20
// minutes without data, unless the account's preferences say otherwise.
const DefaultIdle = Idle(15 * time.Minute)

const shortestIdle = time.Second

// ParseIdle reads a Go duration of at least a second, such as 15m.
func ParseIdle(text string) (Idle, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestIdle {
		return 0, fmt.Errorf("give a duration of at least %v, such as 15m", shortestIdle)
	}
	return Idle(d), nil
}

// UnmarshalYAML reads what ParseIdle does.
func (i *Idle) UnmarshalYAML(n *yaml.Node) (err error) {
	if *i, err = ParseIdle(n.Value); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v, not %q", n.Line, err, n.Value)}}
	}
	return nil
}

// IsLazy reports whether the tunnel's sessions are opened when a connection needs one.
func (s Settings) IsLazy() bool { return s.Lazy == On }

// IdleAfter is how long the tunnel's session is kept without a connection, 0 for a tunnel that
// keeps it always.
func (s Settings) IdleAfter() time.Duration {
	if !s.IsLazy() {
		return 0
	}
	return s.IdleTime()
}

// IdleTime is how long a session that is opened when it is needed is kept without a connection.
func (s Settings) IdleTime() time.Duration { return time.Duration(cmp.Or(s.Idle, DefaultIdle)) }

// over returns s with its empty fields taken from base.
func (s Settings) over(base Settings) Settings {
	s.Profile = cmp.Or(s.Profile, base.Profile)
	s.Region = cmp.Or(s.Region, base.Region)
	s.Reason = cmp.Or(s.Reason, base.Reason)
	s.Guard = cmp.Or(s.Guard, base.Guard)
	s.Engine = cmp.Or(s.Engine, base.Engine)
	s.Peer = cmp.Or(s.Peer, base.Peer)
	s.Lanes = cmp.Or(s.Lanes, base.Lanes)
	s.Wait = cmp.Or(s.Wait, base.Wait)
	s.Lazy = cmp.Or(s.Lazy, base.Lazy)
	s.Idle = cmp.Or(s.Idle, base.Idle)
	return s
}

// checker collects the faults of a file that its types do not show.
type checker struct {
	file   string
	root   *yaml.Node // nil for a file without text
	faults yamlfile.Faults
}

// add adds a fault of the value that keys lead to, or of the last of them that the file has.
func (c *checker) add(keys []string, text string) {
	c.faults = append(c.faults, yamlfile.Fault{File: c.file, Line: lineOf(c.root, keys...), Text: strings.Join(keys, ".") + ": " + text})
}

// lineOf returns the line of the value that keys lead to, as far as the file has them; 0
// if it has none of them. The key of an item of a list is its place, from 0.
func lineOf(n *yaml.Node, keys ...string) (line int) {
	for _, key := range keys {
		for n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if i, err := strconv.Atoi(key); err == nil && n != nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			n = n.Content[i]
			line = n.Line
			continue
		}
		if n == nil || n.Kind != yaml.MappingNode {
			return line
		}
		value := (*yaml.Node)(nil)
		for i := 0; i < len(n.Content) && value == nil; i += 2 {
			if n.Content[i].Value == key {
				line, value = n.Content[i].Line, n.Content[i+1]
			}
		}
		n = value
	}
	return line
}

// validate checks what the types do not: names, ranges, choices, and keys that exclude
// each other. root is the file's document, for the lines of faults.
func (f File) validate(file string, root *yaml.Node) yamlfile.Faults {
	c := &checker{file: file, root: root}
	f.Defaults.validate(c, "defaults")
	for _, name := range slices.Sorted(maps.Keys(f.Tunnels)) {
		f.Tunnels[name].validate(c, name)
	}
	for _, group := range slices.Sorted(maps.Keys(f.Groups)) {
		if err := CheckName(group); err != nil {
			c.add([]string{"groups", group}, err.Error())
		}
		if _, twice := f.Tunnels[group]; twice {
			c.add([]string{"groups", group}, "a tunnel has this name; give one of the two another name")
		}
	}
	return c.faults
}

func (s Settings) validate(c *checker, where ...string) {
	for _, choice := range []struct {
		key, value string
		valid      []string
	}{
		{"guard", string(s.Guard), GuardModes()},
		{"engine", s.Engine, Engines},
		{"peer", s.Peer, Peers},
	} {
		if choice.value != "" && !slices.Contains(choice.valid, choice.value) {
			text := fmt.Sprintf("%q is not valid; valid: %s", choice.value, strings.Join(choice.valid, ", "))
			switch {
			case choice.key != "engine":
			case slices.Contains(DatabaseEngines, choice.value):
				text += "; the engine of a database is its tunnel's, once"
			case len(where) > 1:
				text += ", or a database's: " + strings.Join(DatabaseEngines, ", ")
			}
			c.add(append(slices.Clone(where), choice.key), text)
		}
	}
	if s.Lanes < 0 || s.Lanes > 16 {
		c.add(append(slices.Clone(where), "lanes"), fmt.Sprintf("give 1 to 16, not %d", s.Lanes))
	}
}

func (t Tunnel) validate(c *checker, name string) {
	t.Settings.validate(c, "tunnels", name)
	if err := CheckName(name); err != nil {
		c.add([]string{"tunnels", name}, err.Error())
	}
	if t.Target == "" && !t.FindsTarget() {
		c.add([]string{"tunnels", name}, "target is missing: an instance id, tag:KEY=VALUE or a Name tag")
	}
	for _, fault := range t.EndFaults(func(key string) string { return key }) {
		c.add([]string{"tunnels", name}, fault.Text)
		c.faults[len(c.faults)-1].Line = lineOf(c.root, "tunnels", name, fault.Key)
	}
	if t.DBEngine != "" && !slices.Contains(DatabaseEngines, t.DBEngine) {
		c.add([]string{"tunnels", name, "db_engine"}, fmt.Sprintf("%q is not valid; valid: %s", t.DBEngine, strings.Join(DatabaseEngines, ", ")))
	}
	for _, port := range []struct {
		key          string
		value, least int
	}{{"port", t.Port, 1}, {"local_port", t.LocalPort, 0}} {
		if port.value < 0 || port.value > 65535 {
			c.add([]string{"tunnels", name, port.key}, fmt.Sprintf("give %d to 65535, not %d", port.least, port.value))
		}
	}
}

// EndFault is a fault of one of a tunnel's ends.
type EndFault struct {
	Key  string // the key to look at
	Text string
}

// FarEnd is the tunnel with nothing but its far end and the account that this is in.
func (t Tunnel) FarEnd() Tunnel {
	return Tunnel{Settings: Settings{Profile: t.Profile, Region: t.Region},
		Target: t.Target, Host: t.Host, Port: t.Port, To: t.To, RDS: t.RDS, ElastiCache: t.ElastiCache, Reader: t.Reader}
}

// FindsTarget reports whether a tunnel that gives no target gets one that reaches its database.
func (t Tunnel) FindsTarget() bool { return t.RDS != "" || t.ElastiCache != "" }

// IsProxy reports whether the tunnel is a proxy, whose clients say where they are connected to.
func (t Tunnel) IsProxy() bool { return t.SOCKS != "" || t.HTTPProxy != "" }

// ProxyAddress returns the address on which a proxy listens, as Listen has it, for a value of
// SOCKS or HTTPProxy.
func ProxyAddress(value string) string {
	if value != "" && strings.Trim(value, "0123456789") == "" {
		return ":" + value
	}
	return value
}

// proxyFaults are EndFaults of a proxy.
func (t Tunnel) proxyFaults() []endRule {
	_, to := t.To.Rules()
	toText := ""
	if to != nil {
		toText = "{to}: " + to.Error()
	}
	const address = "{%s} is %q, give PORT, ADDR:PORT or unix:PATH"
	return []endRule{
		{t.Host != "" || t.Port != 0 || t.RDS != "" || t.ElastiCache != "" || t.Reader, "host", "a proxy's clients say where they are connected to: give {to} in the place of {host}, {port}, {rds}, {elasticache} and {reader}"},
		{t.Listen != "" || t.LocalPort > 0, "listen", "give {socks} and {http_proxy} the address in the place of {listen} and {local_port}"},
		{!isAddress(ProxyAddress(t.SOCKS)) || t.SOCKS == "unix:", "socks", fmt.Sprintf(address, "socks", t.SOCKS)},
		{!isAddress(ProxyAddress(t.HTTPProxy)) || t.HTTPProxy == "unix:", "http_proxy", fmt.Sprintf(address, "http_proxy", t.HTTPProxy)},
		{t.Engine == EnginePlugin, "engine", "{socks} and {http_proxy} need our own data channel: {engine} native"},
		{to != nil, "to", toText},
	}
}

// endRule is a rule about a tunnel's ends. Each {key} in its text is spelled by the caller.
type endRule struct {
	broken    bool
	key, text string
}

// EndFaults returns the faults of the tunnel's two ends. name spells a key, as in a
// file or as an option of a command line.
func (t Tunnel) EndFaults(name func(key string) string) (faults []EndFault) {
	lookup := t.RDS != "" || t.ElastiCache != ""
	rules := []endRule{
		{t.Listen != "" && t.LocalPort > 0, "listen", "give only one of {listen} and {local_port}"},
		{t.Listen == "unix:", "listen", "{listen} unix: needs a path"},
		{!isAddress(t.Listen), "listen", fmt.Sprintf("{listen} is %q, give ADDR:PORT or unix:PATH", t.Listen)},
		{lookup && t.Host != "" || t.RDS != "" && t.ElastiCache != "", "host", "give only one of {host}, {rds} and {elasticache}"},
		{t.hostFault() != "", "host", t.hostFault()},
		{!lookup && t.Port == 0, "port", "{port} is missing: the port on the far side"},
		{!lookup && t.Reader, "reader", "{reader} is for {rds} and {elasticache}"},
		{t.To != "", "to", "{to} is for {socks} and {http_proxy}"},
	}
	if t.IsProxy() {
		rules = t.proxyFaults()
	}
	for _, rule := range rules {
		if !rule.broken {
			continue
		}
		text := rule.text
		for _, key := range []string{"listen", "local_port", "host", "port", "rds", "elasticache", "reader", "socks", "http_proxy", "to", "engine"} {
			text = strings.ReplaceAll(text, "{"+key+"}", name(key))
		}
		faults = append(faults, EndFault{rule.key, text})
	}
	return faults
}

// isAddress reports whether a tunnel can listen at ADDR:PORT, at unix:PATH, or at "",
// a free port on loopback.
func isAddress(listen string) bool {
	if listen == "" || strings.HasPrefix(listen, "unix:") {
		return true
	}
	host, port, err := net.SplitHostPort(listen)
	named := strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:%") == ""
	n, numErr := strconv.Atoi(port)
	return err == nil && named && numErr == nil && n >= 0 && n <= 65535
}

// CheckName returns an error for a bad name of a tunnel or group. A name becomes part
// of file names and variables, and a word of command lines.
func CheckName(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if name == "" || strings.Trim(name, allowed) != "" || name[0] == '-' || name[0] == '.' {
		return fmt.Errorf("a name is made of letters, digits and - _ . and begins with a letter, a digit or _")
	}
	return nil
}
