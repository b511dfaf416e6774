package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/configs"
)

// tunnelCandidates are what may follow `ssmguard tunnel` and words after it:
// a verb, then its options and the names of tunnels and groups.
func (p *process) tunnelCandidates(rest []string) []candidate {
	var cs []candidate
	verbs := tunnelVerbs()
	if len(rest) == 0 {
		for _, v := range verbs {
			cs = append(cs, candidate{v.name, v.usage})
		}
		return cs
	}
	at := slices.IndexFunc(verbs, func(v tunnelVerb) bool { return v.name == rest[0] })
	if at < 0 || slices.Contains(rest, "--") {
		return nil
	}
	options := slices.Concat(verbs[at].options...)
	last := rest[len(rest)-1]
	if i := slices.IndexFunc(options, func(o option[tunnelOptions]) bool { return o.flag == last }); i >= 0 && !options[i].isSwitch {
		if last == "--format" {
			return words("psql", "mysql", "url")
		}
		return nil // a value that nobody can guess
	}
	for _, c := range p.tunnelNames(verbs[at].named) {
		if !slices.Contains(rest[1:], c.value) {
			cs = append(cs, c)
		}
	}
	return append(cs, words(flagNames(options)...)...)
}

// tunnelNames are what the words of a verb can name, none when the files that say
// so cannot be read.
func (p *process) tunnelNames(kind names) (cs []candidate) {
	switch kind {
	case configured, oneTunnel:
		c, err := p.readConfig()
		if err != nil {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
			cs = append(cs, candidate{name, "to " + c.Tunnels[name].Target})
		}
		for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
			if kind == configured {
				cs = append(cs, candidate{name, strings.Join(c.Groups[name], ", ")})
			}
		}
	case running:
		r, _ := p.registry() // without a home nothing is known to be open
		recs, err := r.all()
		if err != nil {
			return nil
		}
		for _, rec := range recs {
			for _, name := range rec.asked() {
				cs = append(cs, candidate{name, "open in " + rec.place()})
			}
		}
	}
	return cs
}

// worldNames are the worlds of the sandbox.
func worldNames(*process, context.Context, []string) []candidate {
	worlds, err := configs.Worlds()
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
