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

// Flag declares an option. It is a cli.Flag, so urfave/cli parses it where a command
// line is of the form that urfave/cli knows; Take does elsewhere. urfave/cli's own flags
// do not serve: they read the environment of the process instead of the one that a
// command is given, they have no choices, and what is wrong with a value is wrapped in
// words of package flag. What has to be given is for the command to see to: urfave/cli
// prints its help on stdout when an option that is Required is missing. A Flag holds
// where its value goes, so flags are made anew for each run.
type Flag struct {
	Name    string   // as it is typed, "--target"
	Short   string   // another spelling, "-f"
	Value   string   // what its value is, "FILE"; completion knows what each of these can be
	Choices []string // the values it takes, when they are few
	Default string   // the value when it is not given, for the help
	Env     string   // the variable that gives its default
	Text    string   // what it does
	Group   string   // the heading of the help that it is listed under; "" for a command's own
	Hidden  bool     // it is taken, and has no effect
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

// Typed is the option as the help shows it, with what follows it.
func (f *Flag) Typed() string {
	name := f.Name
	if f.Short != "" {
		name = f.Short + ", " + name
	}
	return strings.TrimSpace(name + " " + cmp.Or(f.Value, strings.Join(f.Choices, "|")))
}

// About is what the help says of the option.
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

// Apply adds the option to those that urfave/cli parses. A value that is wrong is kept
// for RunAction: from here, package flag would put words of its own around the error.
func (f *Flag) Apply(set *flag.FlagSet) error {
	for _, name := range f.Names() {
		set.Var(urfaveValue{f}, name, f.Text)
	}
	return nil
}

// urfaveValue is a Flag as package flag sees it. urfave/cli reads it back to set an
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

// RunAction returns what is wrong with the values that urfave/cli has found.
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

// Take takes options out of a command line and returns the words that are none of them,
// untouched: what follows "--" is not looked at. An option counts in its exact spelling
// only, so that no abbreviation of an option of the AWS CLI ever becomes one of ours.
// urfave/cli could do neither: it drops every option behind the first word that is none,
// as in "tunnel up NAME --background", and ends at an option that it does not know.
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
	}
	return rest, nil
}

// Names are the options of some flags as they are typed.
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

// Unique returns flags without those whose name an earlier one has: a command's own
// --output hides the AWS CLI's.
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

// Switch sets what is on or off.
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

// Number sets a number of a range.
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
