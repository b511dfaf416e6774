package configs

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Effect is one thing that a project's file does for a user who asks for it: a tunnel, a
// group of tunnels, or the settings of tunnels that are given on the spot.
type Effect struct {
	Name string // of the tunnel or group, "" for the settings
	Text string // one line for people, with text of the file
	// Hash identifies what the effect does: the ends of a tunnel, whose credentials open
	// it, what is told to the account, how a client logs in. Another local port, comments
	// and the order of keys do not change it.
	Hash string
}

// UntrustedError means that a command needs effects of a project's file that the user has
// not trusted.
type UntrustedError struct {
	File    string
	Names   []string // the tunnels and groups that the command needs; none: the settings
	Effects []Effect // all effects of the file that are not trusted
}

// Error names one of the effects, and what to do.
func (e *UntrustedError) Error() string {
	what := "its defaults"
	if len(e.Names) > 0 {
		what = e.Names[0]
		if more := len(e.Names) - 1; more > 0 {
			what += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return fmt.Sprintf("%s: you have not trusted %s; `ssmguard trust` shows what the file would do, and asks; SSMGUARD_TRUST is for where nobody can answer", e.File, what)
}

// Effects are the effects of the project's file that is used, the settings first; none if
// none is used.
func (c Config) Effects() []Effect { return c.effects }

// Untrusted returns the effects of the project's file that have not been trusted.
func (c Config) Untrusted() (effects []Effect) {
	for _, e := range c.effects {
		if c.untrusted[e.Name] {
			effects = append(effects, e)
		}
	}
	return effects
}

// IsUntrusted reports whether a tunnel or group is a project's and not trusted.
func (c Config) IsUntrusted(name string) bool { return name != "" && c.untrusted[name] }

// needs returns an *UntrustedError if one of these tunnels and groups, or "" for the
// settings of a tunnel that is given on the spot, is not trusted.
func (c Config) needs(names ...string) error {
	var missing []string
	for _, name := range names {
		if c.untrusted[name] && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return nil
	}
	return &UntrustedError{c.project, slices.DeleteFunc(missing, func(name string) bool { return name == "" }), c.Untrusted()}
}

// findEffects lists the effects of a project's file, whose settings are s and whose groups
// are given, and asks which of them are trusted.
func (c *Config) findEffects(file string, s Settings, groups map[string][]string, trusted func(file, hash string) bool) {
	c.project, c.untrusted = file, make(map[string]bool)
	add := func(name, text string, what any) {
		data, err := json.Marshal(what)
		if err != nil {
			panic(err) // of strings, numbers and bools
		}
		sum := sha256.Sum256(data)
		hash := base64.RawURLEncoding.EncodeToString(sum[:24])
		c.effects = append(c.effects, Effect{name, text, hash})
		if trusted == nil || !trusted(file, hash) {
			c.untrusted[name] = true
		}
	}
	if settings := newSettingsEffect(s); settings != (settingsEffect{}) {
		add("", "tunnels given on the spot: "+settings.text(), settings)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		t := c.Tunnels[name]
		if !t.project {
			continue
		}
		t.Settings = t.Settings.over(s)
		listen := t.Listen
		effect := tunnelEffect{Tunnel: name, Target: t.Target, Host: t.Host, Port: t.Port, RDS: t.RDS, ElastiCache: t.ElastiCache,
			Reader: t.Reader, Listen: listen, Login: t.Login, Settings: newSettingsEffect(t.Settings),
			SOCKS: proxyEffect(t.SOCKS), HTTPProxy: proxyEffect(t.HTTPProxy), To: t.To, Start: t.Start == On}
		text := fmt.Sprintf("%s: %s to %s", name, cmp.Or(t.LocalEnd(), "a free local port"), t.Leads())
		if effect.Start {
			text += ", starts its target"
		}
		for _, more := range []string{effect.Settings.text(), t.Login.text()} {
			if more != "" {
				text += ", " + more
			}
		}
		add(name, text, effect)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		members := slices.Compact(slices.Sorted(slices.Values(groups[name])))
		add(name, "group "+name+": "+strings.Join(members, ", "), groupEffect{name, members})
	}
}

// tunnelEffect is what counts of a tunnel. The names of its fields are part of the hash.
type tunnelEffect struct {
	Tunnel, Target, Host string
	Port                 int
	RDS, ElastiCache     string
	Reader               bool
	Listen               string
	Login                Login
	Settings             settingsEffect
	// Left out where they are empty, so that tunnels that were trusted before they existed stay trusted.
	SOCKS     string       `json:",omitempty"`
	HTTPProxy string       `json:",omitempty"`
	To        Destinations `json:",omitempty"`
	Start     bool         `json:",omitempty"` // an instance may be started
}

// proxyEffect is what counts of the address of a proxy: not which port of loopback it is.
func proxyEffect(value string) string {
	if strings.HasPrefix(ProxyAddress(value), ":") {
		return "a port"
	}
	return value
}

type groupEffect struct {
	Group   string
	Members []string
}

// settingsEffect is what counts of settings: not how many sessions share the connections,
// or how long a tunnel is waited for.
type settingsEffect struct{ Profile, Region, Reason, Guard, Engine string }

func newSettingsEffect(s Settings) settingsEffect {
	return settingsEffect{s.Profile, s.Region, s.Reason, string(s.Guard), s.Engine}
}

func (s settingsEffect) text() string {
	var parts []string
	for _, p := range []struct{ key, value string }{{"profile", s.Profile}, {"region", s.Region}, {"guard", s.Guard}, {"engine", s.Engine}} {
		if p.value != "" {
			parts = append(parts, p.key+" "+p.value)
		}
	}
	if s.Reason != "" {
		parts = append(parts, "reason "+strconv.Quote(s.Reason))
	}
	return strings.Join(parts, ", ")
}

func (l Login) text() string {
	var parts []string
	if l.User != "" {
		parts = append(parts, "user "+strconv.Quote(l.User))
	}
	if l.Database != "" {
		parts = append(parts, "database "+strconv.Quote(l.Database))
	}
	if l.DBEngine != "" {
		parts = append(parts, "engine "+l.DBEngine)
	}
	if l.IAMAuth {
		parts = append(parts, "with IAM tokens")
	}
	return strings.Join(parts, ", ")
}

// LocalEnd is the address on which a tunnel will listen, "" for any free port; those of a proxy
// with both protocols have a comma between them.
func (t Tunnel) LocalEnd() string {
	if t.IsProxy() {
		var ends []string
		for _, value := range []string{t.SOCKS, t.HTTPProxy} {
			address := ProxyAddress(value)
			if port, bare := strings.CutPrefix(address, ":"); bare {
				address = ""
				if n, _ := strconv.Atoi(port); n > 0 {
					address = "127.0.0.1:" + port
				}
			}
			if address != "" {
				ends = append(ends, address)
			}
		}
		return strings.Join(ends, ", ")
	}
	if t.LocalPort > 0 {
		return "127.0.0.1:" + strconv.Itoa(t.LocalPort)
	}
	return t.Listen
}

// Leads says where a tunnel leads, and through which target.
func (t Tunnel) Leads() string {
	far, isTarget := t.Far()
	if isTarget || t.Target == "" {
		return far
	}
	return far + " through " + t.Target
}

// Far says where a tunnel leads, and whether that is its target itself.
func (t Tunnel) Far() (far string, isTarget bool) {
	switch {
	case t.IsProxy():
		by := strings.TrimPrefix(map[bool]string{true: " and SOCKS5"}[t.SOCKS != ""]+map[bool]string{true: " and HTTP CONNECT"}[t.HTTPProxy != ""], " and ")
		return cmp.Or(string(t.To), "anywhere") + " by " + by, false
	case t.RDS != "":
		far = "rds " + t.RDS
	case t.ElastiCache != "":
		far = "elasticache " + t.ElastiCache
	case t.Host != "":
		far = t.Host
	default:
		return fmt.Sprintf("port %d of %s", t.Port, t.Target), true
	}
	if t.Reader {
		far += " (reader)"
	}
	if t.Port > 0 {
		far += ":" + strconv.Itoa(t.Port)
	}
	return far, false
}
