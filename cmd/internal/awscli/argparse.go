package awscli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/internal/spelling"
)

// An option is one --flag of a parser.
type option struct {
	flag     string   // with its dashes
	dest     string   // where the value goes; "" is the flag without dashes
	values   arity    // how many words it takes
	choices  []string // allowed values, if limited
	constant string   // value of a flag without a word
	required bool
}

type arity int

const (
	one   arity = iota // exactly one word
	none               // a switch
	maybe              // one word, or the constant
)

func (o *option) key() string {
	if o.dest != "" {
		return o.dest
	}
	return o.flag
}

// A parser is the part of argparse, the CLI's parser, that the CLI uses: long options with
// unique prefixes, one positional, and unknown words handed on.
type parser struct {
	options    []option
	positional string   // its name, "" for none
	optional   bool     // the positional may be absent
	choices    []string // words for it, if limited
	stop       string   // flag that ends the parse where it stands (--version)
}

// parsed is what one pass found: values by option key, the positional, and the
// words it did not know, in argparse's order.
type parsed struct {
	values map[string]string
	given  map[string]bool
	word   string
	rest   []string
	stop   bool
}

// parse is parse_known_args.
func (p *parser) parse(args []string) (*parsed, error) {
	r := &run{parser: p, args: args, matches: map[int]match{}, out: &parsed{values: map[string]string{}, given: map[string]bool{}}}
	if err := r.classify(); err != nil {
		return nil, err
	}
	if err := r.consume(); err != nil || r.out.stop {
		return r.out, err
	}
	var missing []string
	for _, o := range p.options {
		if o.required && !r.out.given[o.key()] {
			missing = append(missing, o.flag)
		}
	}
	if p.positional != "" && !p.optional && !r.taken {
		missing = append(missing, p.positional)
	}
	if missing != nil {
		u := paramValidation("the following arguments are required: " + strings.Join(missing, ", ")).withUsage()
		for _, word := range r.out.rest {
			if strings.HasPrefix(word, "-") {
				u.Unknown = append(u.Unknown, word)
			}
		}
		return nil, u
	}
	return r.out, nil
}

type match struct {
	option   *option // nil: looks like an option, but is not known
	explicit *string // the text after "="
}

type run struct {
	*parser
	args    []string
	pattern []byte // one of A (word), O (option), - (the "--") for each argument
	matches map[int]match
	taken   bool // the positional has been matched, perhaps with nothing
	out     *parsed
}

var negativeNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`) })

// classify decides for every argument whether it is an option.
func (r *run) classify() error {
	for i := 0; i < len(r.args); i++ {
		if r.args[i] == "--" {
			r.pattern = append(r.pattern, '-')
			for range r.args[i+1:] {
				r.pattern = append(r.pattern, 'A')
			}
			return nil
		}
		m, ok, err := r.lookup(r.args[i])
		if err != nil {
			return err
		}
		if !ok {
			r.pattern = append(r.pattern, 'A')
			continue
		}
		r.matches[i] = m
		r.pattern = append(r.pattern, 'O')
	}
	return nil
}

// lookup finds the option an argument names, in full or by a unique prefix. Not
// ok means that the argument is a word.
func (r *run) lookup(arg string) (m match, ok bool, err error) {
	if len(arg) < 2 || arg[0] != '-' {
		return m, false, nil
	}
	name, value, hasValue := strings.Cut(arg, "=")
	if hasValue {
		m.explicit = &value
	}
	var prefixed []*option
	for i := range r.options {
		o := &r.options[i]
		if o.flag == arg {
			return match{option: o}, true, nil
		}
		if o.flag == name {
			m.option = o
			return m, true, nil
		}
		if arg[1] == '-' && strings.HasPrefix(o.flag, name) {
			prefixed = append(prefixed, o)
		}
	}
	switch {
	case len(prefixed) > 1:
		flags := make([]string, len(prefixed))
		for i, o := range prefixed {
			flags[i] = o.flag
		}
		msg := fmt.Sprintf("ambiguous option: %s could match %s", arg, strings.Join(flags, ", "))
		return m, false, paramValidation(msg).withUsage()
	case len(prefixed) == 1:
		m.option = prefixed[0]
		return m, true, nil
	case negativeNumber().MatchString(arg) || strings.Contains(arg, " "):
		return m, false, nil
	}
	return match{}, true, nil
}

// consume walks the arguments: options take the words after them, the positional
// takes the first word that is free, the rest is handed on.
func (r *run) consume() error {
	last := strings.LastIndexByte(string(r.pattern), 'O')
	at := 0
	for at <= last {
		next := at + strings.IndexByte(string(r.pattern[at:]), 'O')
		if at != next {
			end, err := r.consumePositional(at)
			if err != nil {
				return err
			}
			if end > at {
				at = end
				continue
			}
		}
		if r.pattern[at] != 'O' {
			r.out.rest = append(r.out.rest, r.args[at:next]...)
			at = next
		}
		var err error
		if at, err = r.consumeOption(at); err != nil || r.out.stop {
			return err
		}
	}
	end, err := r.consumePositional(at)
	r.out.rest = append(r.out.rest, r.args[end:]...)
	return err
}

// consumePositional matches -*A-* (A? when optional) at the place and returns where it ends.
func (r *run) consumePositional(at int) (int, error) {
	if r.positional == "" || r.taken {
		return at, nil
	}
	end := at
	dashes := func() {
		for end < len(r.pattern) && r.pattern[end] == '-' {
			end++
		}
	}
	dashes()
	word, found := "", end < len(r.pattern) && r.pattern[end] == 'A'
	if found {
		word = r.args[end]
		end++
		dashes()
	}
	if !found && !r.optional {
		return at, nil
	}
	r.taken = true
	if found && r.choices != nil && !slices.Contains(r.choices, word) {
		err := invalidChoice(r.positional, word, r.choices)
		err.Choice = word
		return end, err
	}
	r.out.word = word
	return end, nil
}

// consumeOption takes the option at the place with its word and returns where it ends.
func (r *run) consumeOption(at int) (int, error) {
	m := r.matches[at]
	o := m.option
	if o == nil {
		r.out.rest = append(r.out.rest, r.args[at])
		return at + 1, nil
	}
	end := at + 1
	hasWord := end < len(r.pattern) && r.pattern[end] == 'A'
	value := o.constant
	switch {
	case m.explicit != nil && o.values == none:
		return at, argumentError(o.flag, "ignored explicit argument "+Quote(*m.explicit))
	case m.explicit != nil:
		value = *m.explicit
	case o.values == none:
	case hasWord:
		value = r.args[end]
		end++
	case o.values == one:
		return at, argumentError(o.flag, "expected one argument")
	}
	if o.choices != nil && !slices.Contains(o.choices, value) {
		return at, invalidChoice(o.flag, value, o.choices)
	}
	r.out.values[o.key()] = value
	r.out.given[o.key()] = true
	r.out.stop = o.flag == r.stop
	return end, nil
}

func argumentError(name, msg string) *UsageError {
	return paramValidation("argument " + name + ": " + msg).withUsage()
}

func invalidChoice(name, word string, choices []string) *UsageError {
	msg := "Found invalid choice '" + word + "'\n"
	if near := spelling.Nearest(word, choices); near != "" {
		msg += "\nMaybe you meant:\n\n  * " + near
	}
	return argumentError(name, msg)
}
