package ask

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/exit"
)

// GuardMode says what the guard may do to a session.
type GuardMode string

const (
	GuardOn     GuardMode = "on"     // stop on a proven denial
	GuardWarn   GuardMode = "warn"   // explain, and go on
	GuardStrict GuardMode = "strict" // stop on a denial that is only possible, too
	GuardOff    GuardMode = "off"    // ask nothing
)

// The engines that can carry a session.
const (
	EnginePlugin = "plugin" // the official plugin, as a child
	EngineNative = "native" // our own data channel, for tunnels
)

// EmbeddedPlugin is the value of --plugin that means the one built in.
const EmbeddedPlugin = "embedded"

// OwnPlugin is --plugin when it is not given: for a command line of the AWS CLI
// the plugin that it would find, if there is one, else the one built in.
const OwnPlugin = ""

// OwnOptions are the options of a session command that the AWS CLI has not.
type OwnOptions struct {
	Guard   GuardMode
	Plugin  string // OwnPlugin, EmbeddedPlugin, or the path of a plugin
	Engine  string // EnginePlugin, EngineNative, or "" for that of the command
	NoCache bool   // neither read nor write what earlier runs learned
	Timings bool   // tell on stderr where the time went
}

// Option is an option of ours among those of the AWS CLI: exact spelling only,
// so that no abbreviation of an AWS option ever becomes one of them.
type Option[T any] struct {
	Flag     string
	Env      string // the variable that gives its default; "" for none
	IsSwitch bool   // takes no value on the command line
	Set      func(o *T, value string) error
}

var ownTable = []Option[OwnOptions]{
	{"--guard", "SSMGUARD_GUARD", false, func(o *OwnOptions, v string) error {
		return Choose((*string)(&o.Guard), v, string(GuardOn), string(GuardWarn), string(GuardStrict), string(GuardOff))
	}},
	{"--plugin", "SSMGUARD_PLUGIN", false, func(o *OwnOptions, v string) error {
		if v == "" {
			return fmt.Errorf("want %q or a path", EmbeddedPlugin)
		}
		o.Plugin = v
		return nil
	}},
	{"--engine", "SSMGUARD_ENGINE", false, func(o *OwnOptions, v string) error {
		return Choose(&o.Engine, v, EnginePlugin, EngineNative)
	}},
	{"--no-cache", "SSMGUARD_NO_CACHE", true, func(o *OwnOptions, v string) error { return Turn(&o.NoCache, v) }},
	{"--timings", "SSMGUARD_TIMINGS", true, func(o *OwnOptions, v string) error { return Turn(&o.Timings, v) }},
}

// TakeOwn takes the options of every session command out of a command line.
func TakeOwn(args []string, getenv func(string) string) (OwnOptions, []string, error) {
	o := OwnOptions{Guard: GuardOn, Plugin: OwnPlugin}
	rest, err := Take(&o, ownTable, args, getenv)
	return o, rest, err
}

// OwnDefaults are the options of every session command where none is given.
func OwnDefaults(getenv func(string) string) (OwnOptions, error) {
	o, _, err := TakeOwn(nil, getenv)
	return o, err
}

// Take takes the options of a table out of a command line that otherwise follows
// the AWS CLI's grammar, and returns the rest untouched. What follows "--" is
// not looked at.
func Take[T any](o *T, table []Option[T], args []string, getenv func(string) string) ([]string, error) {
	for _, opt := range table {
		if v := getenv(opt.Env); opt.Env != "" && v != "" {
			if err := opt.Set(o, v); err != nil {
				return nil, exit.Usagef("%s=%s: %v", opt.Env, v, err)
			}
		}
	}
	var rest []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(rest, args[i:]...), nil
		}
		flag, value, hasValue := strings.Cut(args[i], "=")
		at := slices.IndexFunc(table, func(opt Option[T]) bool { return opt.Flag == flag })
		if at < 0 {
			rest = append(rest, args[i])
			continue
		}
		switch opt := table[at]; {
		case opt.IsSwitch && hasValue:
			return nil, exit.Usagef("%s takes no value", flag)
		case opt.IsSwitch:
			value = "true"
		case !hasValue && i+1 == len(args):
			return nil, exit.Usagef("%s needs a value", flag)
		case !hasValue:
			i++
			value = args[i]
		}
		if err := table[at].Set(o, value); err != nil {
			return nil, exit.Usagef("%s %s: %v", flag, value, err)
		}
	}
	return rest, nil
}

// Choose sets an option to one of its choices.
func Choose(to *string, value string, choices ...string) error {
	if !slices.Contains(choices, value) {
		return fmt.Errorf("want one of %s", strings.Join(choices, ", "))
	}
	*to = value
	return nil
}

// Turn sets an option that is on or off.
func Turn(to *bool, value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("want true or false")
	}
	*to = on
	return nil
}

// OperationOf is the operation of ours that a service of the AWS CLI has.
var OperationOf = map[string]string{"ssm": "start-session", "ecs": "execute-command"}

// SessionFlags are the options of a session command: its own, ours, and those of
// the AWS CLI for the operation of a service.
func SessionFlags(service string, own ...string) []string {
	flags := append(own, FlagNames(ownTable)...)
	for _, flag := range awscli.Flags(service, OperationOf[service]) {
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// FlagNames are the options of a table.
func FlagNames[T any](table []Option[T]) []string {
	names := make([]string, len(table))
	for i, o := range table {
		names[i] = o.Flag
	}
	return names
}

// Text makes an option's setter of a field that takes any text but an empty one.
func Text[T any](field func(*T) *string) func(*T, string) error {
	return func(o *T, v string) error {
		if v == "" {
			return errors.New("want a value")
		}
		*field(o) = v
		return nil
	}
}
