package completion

import (
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnel"
	"ssmguard/guard/finding"
	"ssmguard/internal/sandbox/world"
)

// tunnelNames returns the names that the words of a verb can have, none when the files
// of tunnels cannot be read.
func tunnelNames(p *env.Process, kind string) (cs []candidate) {
	switch kind {
	case tunnel.Configured, tunnel.OneTunnel:
		c, err := trust.LoadConfigHere(p)
		if err != nil {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
			cs = append(cs, candidate{name, "to " + c.Tunnels[name].Target})
		}
		for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
			if kind == tunnel.Configured {
				cs = append(cs, candidate{name, strings.Join(c.Groups[name], ", ")})
			}
		}
	case tunnel.Running:
		r, _ := keeper.FindRegistry(p) // without a home directory no tunnel is known to be open
		recs, err := r.All()
		if err != nil {
			return nil
		}
		for _, rec := range recs {
			for _, name := range rec.AskedFor() {
				cs = append(cs, candidate{name, "open in " + rec.Place()})
			}
		}
	}
	return cs
}

// worldNames are the worlds of the sandbox.
func worldNames() []candidate {
	worlds, err := world.Shipped()
	if err != nil {
		return nil
	}
	var cs []candidate
	for _, w := range worlds {
		cs = append(cs, candidate{w.Name, w.About})
	}
	return cs
}

// codes are those of the findings.
func codes() (cs []candidate) {
	for _, r := range finding.Pages() {
		cs = append(cs, candidate{string(r.Code), r.Title})
	}
	return cs
}
