package configs

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Destinations are where a proxy's clients may be connected to, as text: rules with commas
// between them, each HOST:PORT. HOST is a name, *.NAME for all names below it, an address, a
// range of addresses such as 10.0.0.0/8, or *; PORT is a number or *. "" is everywhere.
type Destinations string

// UnmarshalYAML reads a list of rules, or their text.
func (d *Destinations) UnmarshalYAML(n *yaml.Node) error {
	rules := []string{n.Value}
	if n.Kind == yaml.SequenceNode {
		if err := n.Decode(&rules); err != nil {
			return err
		}
	} else if n.Kind != yaml.ScalarNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: give a list of HOST:PORT", n.Line)}}
	}
	*d = Destinations(strings.Join(rules, ", "))
	if _, err := d.Rules(); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
	}
	return nil
}

// Rules reads the text. Without text there is one rule, for everywhere.
func (d Destinations) Rules() (rules Rules, err error) {
	if d == "" {
		return Rules{{host: "*"}}, nil
	}
	for text := range strings.SplitSeq(string(d), ",") {
		r, err := parseRule(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// Rules decide where a proxy's clients may be connected to.
type Rules []rule

// rule is one destination.
type rule struct {
	host   string       // in lower case: a name, or a name below which all are meant with "." in front, or "*"
	prefix netip.Prefix // instead, if it is valid
	port   int          // 0: any
}

func parseRule(text string) (r rule, err error) {
	wrong := fmt.Errorf("%q is no destination; give HOST:PORT, such as *.internal:5432, 10.0.0.0/8:* or [fd00::/8]:443", text)
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return r, wrong
	}
	if port != "*" {
		if r.port, err = strconv.Atoi(port); err != nil || r.port < 1 || r.port > 65535 {
			return r, wrong
		}
	}
	if r.prefix, err = netip.ParsePrefix(host); err == nil {
		if r.prefix != r.prefix.Masked() {
			return r, fmt.Errorf("%q: the range is %v", text, r.prefix.Masked())
		}
		return r, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		r.prefix = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		return r, nil
	}
	r.host = strings.ToLower(strings.TrimSuffix(host, "."))
	below, all := strings.CutPrefix(r.host, "*.")
	switch {
	case r.host == "*":
	case all && isHost(below):
		r.host = "." + below
	case r.host == "" || !isHost(r.host) || strings.Contains(r.host, ":"):
		return r, wrong
	}
	return r, nil
}

// Denied returns why the rules do not lead to a host and port, "" if they do. The host is as a
// client gave it. Names are not resolved, so a rule of addresses allows addresses alone, and
// what a name stands for is left to the far side, whose agent refuses loopback and the
// addresses of credentials itself from version 3.3.4851.0 on.
func (rules Rules) Denied(host string, port int) string {
	if host == "" || !isHost(host) {
		return "the host is neither a name nor an address"
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if why := forbidden(host); why != "" {
		return why
	}
	ip, err := netip.ParseAddr(host)
	ip = ip.Unmap().WithZone("")
	for _, r := range rules {
		switch {
		case r.port != 0 && r.port != port:
		case r.host == "*",
			r.prefix.IsValid() && err == nil && r.prefix.Contains(ip),
			r.host != "" && r.host == host,
			strings.HasPrefix(r.host, ".") && err != nil && strings.HasSuffix(host, r.host):
			return ""
		}
	}
	return "no rule of --to (to: in a file) allows it"
}

// nat64 are the IPv6 addresses that stand for an IPv4 address in their last bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// credentialNames are names of the hosts from which instances get their credentials.
var credentialNames = []string{"instance-data", "instance-data.ec2.internal", "metadata", "metadata.google.internal"}

// forbidden returns why no proxy leads to a host, in lower case, "" if one may: the target itself,
// which may trust its own connections, and where credentials are served.
func forbidden(host string) string {
	const itself, credentials = "it is the target itself; give a tunnel of its own to its port", "credentials are served there"
	for _, name := range credentialNames {
		if host == name {
			return credentials
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		last := host[strings.LastIndexByte(host, '.')+1:]
		switch {
		case host == "localhost" || strings.HasSuffix(host, ".localhost"), host == "localhost.localdomain", host == "ip6-localhost":
			return itself
		case last != "" && (strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")):
			return "it is an address in an old form, such as 127.1; give all four numbers" // resolvers read it as an address
		}
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case ip.IsLoopback() || ip.IsUnspecified():
		return itself
	case ip.IsLinkLocalUnicast() || ForbiddenRemote(ip.String()) != "":
		return credentials
	case ip.IsMulticast():
		return "it is an address of many hosts"
	}
	return ""
}
