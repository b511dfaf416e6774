package tunnelfile

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// shown is a tunnel as `tunnel show --output json` prints it.
type shown struct {
	Tunnel    string            `json:"tunnel"`
	From      string            `json:"from"` // file:line
	Leads     string            `json:"leads"`
	Untrusted bool              `json:"untrusted,omitempty"`
	Keys      map[string]string `json:"keys"`               // as in the file
	Defaults  map[string]string `json:"defaults,omitempty"` // keys that it has from defaults

	keys []configs.Key
}

// Show prints the tunnels of these names and groups, without names of all files, as they
// are configured: each key, and whether it is the tunnel's own.
func Show(p *env.Process, names []string, asJSON bool) error {
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return err
	}
	for _, text := range c.Warnings(names...) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s\n", text)
	}
	members := slices.Sorted(maps.Keys(c.Tunnels))
	if len(names) > 0 {
		if members, err = c.Members(names...); err != nil {
			return NameError(err)
		}
	}
	all := []shown{}
	for _, name := range members {
		s, err := describe(c, name)
		if err != nil {
			return exit.WithCode(err, exit.Config)
		}
		all = append(all, s)
	}
	if asJSON {
		enc := safetext.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(p.Stdout)
		}
		if err := s.print(p); err != nil {
			return err
		}
	}
	return nil
}

func describe(c configs.Config, name string) (s shown, err error) {
	t := c.Tunnels[name]
	s = shown{Tunnel: name, From: t.From, Leads: t.Leads(), Untrusted: c.IsUntrusted(name), Keys: map[string]string{}, Defaults: map[string]string{}}
	s.keys, err = c.Keys(name)
	for _, k := range s.keys {
		if k.Default {
			s.Defaults[k.Key] = k.Value
		} else {
			s.Keys[k.Key] = k.Value
		}
	}
	return s, err
}

// print writes a tunnel for people: its own keys first.
func (s shown) print(p *env.Process) error {
	if _, err := safetext.Fprintf(p.Stdout, "%s  (%s)\n", s.Tunnel, s.From); err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, byDefault := range []bool{false, true} {
		for _, k := range s.keys {
			if k.Default != byDefault {
				continue
			}
			if byDefault {
				safetext.Fprintf(t, "  %s\t%s\tby default\n", k.Key, k.Value)
			} else {
				safetext.Fprintf(t, "  %s\t%s\n", k.Key, k.Value)
			}
		}
	}
	if s.Untrusted {
		fmt.Fprintln(p.Notes(), "ssmguard: you have not trusted it; `ssmguard trust` shows what the file would do, and asks")
	}
	return t.Flush()
}
