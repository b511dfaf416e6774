package completion

import (
	"context"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/tunnel"
	"ssmguard/internal/sandbox/world"
)

// tunnelCandidates are what may follow `ssmguard tunnel` and words after it:
// a verb, then its options and the names of tunnels and groups.
func tunnelCandidates(p *env.Process, rest []string) []candidate {
	var cs []candidate
	verbs := tunnel.Verbs()
	if len(rest) == 0 {
		for _, v := range verbs {
			cs = append(cs, candidate{v.Name, v.Usage})
		}
		return cs
	}
	at := slices.IndexFunc(verbs, func(v tunnel.Verb) bool { return v.Name == rest[0] })
	if at < 0 || slices.Contains(rest, "--") {
		return nil
	}
	options := slices.Concat(verbs[at].Options...)
	last := rest[len(rest)-1]
	if i := slices.IndexFunc(options, func(o ask.Option[tunnel.Options]) bool { return o.Flag == last }); i >= 0 && !options[i].IsSwitch {
		if last == "--format" {
			return words("psql", "mysql", "url")
		}
		return nil // a value that nobody can guess
	}
	for _, c := range tunnelNames(p, verbs[at].Named) {
		if !slices.Contains(rest[1:], c.value) {
			cs = append(cs, c)
		}
	}
	return append(cs, words(ask.FlagNames(options)...)...)
}

// tunnelNames are what the words of a verb can name, none when the files that say
// so cannot be read.
func tunnelNames(p *env.Process, kind tunnel.Names) (cs []candidate) {
	switch kind {
	case tunnel.Configured, tunnel.OneTunnel:
		c, err := tunnel.ReadConfig(p)
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
		r, _ := keeper.FindRegistry(p) // without a home nothing is known to be open
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
func worldNames(context.Context, *env.Process, []string) []candidate {
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

// withoutOptions returns the words of an `aws` command line that are neither
// options nor their values, as far as the options are global ones.
func withoutOptions(words []string) []string {
	var rest []string
	for i := 0; i < len(words); i++ {
		switch {
		case awscli.TakesValue(words[i]):
			i++
		case !strings.HasPrefix(words[i], "-"):
			rest = append(rest, words[i])
		}
	}
	return rest
}
