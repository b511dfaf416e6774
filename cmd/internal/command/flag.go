package command

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/exit"
)

// Flag declares an option. It is a cli.Flag, so urfave/cli parses it for the command
// lines that urfave/cli supports; Take parses the others. urfave/cli's own flags are
// not used: they read the environment of the process instead of env.Process, they have
// no choices, and errors of values are wrapped in package flag's wording. Commands
// check for missing options themselves. A Flag holds the place of its value, so each run
// makes new flags.
type Flag struct {
	Name    string   // such as "--target"
	Short   string   // short spelling, such as "-f"
	Value   string   // the kind of its value, such as "FILE"; completion has the values of each kind
	Choices []string // the valid values, if there are few
	Default string   // the default value, for the help
	Env     string   // the variable that gives its default
	Text    string   // what the option does
	Group   string   // its heading in the help; "" for a command's own options
	Hidden  bool     // accepted without effect
	Many    bool     // the words after its value, up to the next option, are values too
	Brief   bool     // only named in the help of a command; `ssmguard help options` has its text
	// Set takes the value, "true" for a switch. It is nil for an option that the AWS
	// CLI's grammar parses.
	Set func(value string) error

	given bool
	typed string
	fault error
}

// TakesValue reports whether a value follows the option; it is a switch otherwise.
func (f *Flag) TakesValue() bool { return f.Value != "" || f.Choices != nil }

// Is reports whether a word names the option.
func (f *Flag) Is(word string) bool { return word != "" && (word == f.Name || word == f.Short) }

// Typed is the option in the help, with its value.
func (f *Flag) Typed() string {
	name := f.Name
	if f.Short != "" {
		name = f.Short + ", " + name
	}
	return strings.TrimSpace(name + " " + cmp.Or(f.Value, strings.Join(f.Choices, "|")))
}

// About is the option's description in the help.
func (f *Flag) About() string {
	var more []string
	if f.Default != "" {
		more = append(more, "default: "+f.Default)
	}
	if f.Env != "" {
		more = append(more, "variable: "+f.Env)
	}
	if more == nil {
		return f.Text
	}
	return f.Text + " (" + strings.Join(more, "; ") + ")"
}

// String is a row of urfave/cli's own help.
func (f *Flag) String() string { return f.Typed() + "\t" + f.About() }

// Names are the spellings of the option without their dashes.
func (f *Flag) Names() []string {
	names := []string{strings.TrimLeft(f.Name, "-")}
	if f.Short != "" {
		names = append(names, strings.TrimLeft(f.Short, "-"))
	}
	return names
}

// IsSet reports whether the option was given.
func (f *Flag) IsSet() bool { return f.given }

// Apply adds the option to the options that urfave/cli parses. The error of a bad value
// is kept for RunAction, because package flag would add its own words to an error from
// here.
func (f *Flag) Apply(set *flag.FlagSet) error {
	for _, name := range f.Names() {
		set.Var(urfaveValue{f}, name, f.Text)
	}
	return nil
}

// urfaveValue is a Flag as a flag.Value. urfave/cli's own Run reads its string to set an
// option's other spellings.
type urfaveValue struct{ *Flag }

// Set implements flag.Value.
func (v urfaveValue) Set(value string) error {
	v.given, v.typed, v.fault = true, value, cmp.Or(v.fault, v.take(value))
	return nil
}

// String implements flag.Value.
func (v urfaveValue) String() string { return v.typed }

// IsBoolFlag tells package flag that no value follows a switch.
func (v urfaveValue) IsBoolFlag() bool { return !v.TakesValue() }

// RunAction returns the error of a value that urfave/cli has parsed.
func (f *Flag) RunAction(*cli.Context) error { return f.fault }

func (f *Flag) take(value string) error {
	if err := f.set(value); err != nil {
		return exit.Usagef("%s %s: %v", f.Name, value, err)
	}
	return nil
}

func (f *Flag) set(value string) error {
	if f.Choices != nil && !slices.Contains(f.Choices, value) {
		return fmt.Errorf("valid: %s", strings.Join(f.Choices, ", "))
	}
	return f.Set(value)
}

// Take takes options out of a command line and returns the other words unchanged; words
// after "--" are not parsed. Only the exact spelling of an option matches, so that an
// abbreviation of an AWS CLI option never becomes one of ours. urfave/cli cannot do
// this: it ignores options after the first other word, as in "tunnel up NAME
// --background", and fails at an unknown option.
func Take(flags []Flag, args []string, getenv func(string) string) ([]string, error) {
	for i := range flags {
		f := &flags[i]
		if v := getenv(f.Env); f.Env != "" && v != "" {
			if err := f.set(v); err != nil {
				return nil, exit.Usagef("%s=%s: %v", f.Env, v, err)
			}
		}
	}
	var rest []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(rest, args[i:]...), nil
		}
		name, value, hasValue := strings.Cut(args[i], "=")
		at := slices.IndexFunc(flags, func(f Flag) bool { return f.Set != nil && f.Is(name) })
		if at < 0 {
			rest = append(rest, args[i])
			continue
		}
		switch f := &flags[at]; {
		case !f.TakesValue() && hasValue:
			return nil, exit.Usagef("%s takes no value", name)
		case !f.TakesValue():
			value = "true"
		case !hasValue && i+1 == len(args):
			return nil, exit.Usagef("%s needs a value", name)
		case !hasValue:
			i++
			value = args[i]
		}
		if err := flags[at].take(value); err != nil {
			return nil, err
		}
		for flags[at].Many && !hasValue && i+1 < len(args) && (args[i+1] == "-" || !strings.HasPrefix(args[i+1], "-")) {
			i++
			if err := flags[at].take(args[i]); err != nil {
				return nil, err
			}
		}
	}
	return rest, nil
}

// Names returns the spellings of flags, with their dashes.
func Names(flags []Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.Name)
		if f.Short != "" {
			names = append(names, f.Short)
		}
	}
	return names
}

// Unique joins lists of flags and drops a flag whose name an earlier one has: a
// command's own --output hides the AWS CLI's.
func Unique(lists ...[]Flag) []Flag {
	var flags []Flag
	for _, f := range slices.Concat(lists...) {
		if !slices.ContainsFunc(flags, func(earlier Flag) bool { return earlier.Name == f.Name }) {
			flags = append(flags, f)
		}
	}
	return flags
}

// Text sets a text that may not be empty.
func Text[S ~string](to *S) func(string) error {
	return func(v string) error {
		if v == "" {
			return fmt.Errorf("give a value")
		}
		*to = S(v)
		return nil
	}
}

// Switch sets a bool.
func Switch(to *bool) func(string) error {
	return func(v string) error {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("valid: true, false")
		}
		*to = on
		return nil
	}
}

// Number sets a number within a range.
func Number(to *int, least, most int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("valid: %d to %d", least, most)
		}
		*to = n
		return nil
	}
}
