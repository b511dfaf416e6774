package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ssmguard/cmd/internal/awscli"
)

// guardMode says what the guard may do to a session.
type guardMode string

const (
	guardOn     guardMode = "on"     // stop on a proven denial
	guardWarn   guardMode = "warn"   // explain, and go on
	guardStrict guardMode = "strict" // stop on a denial that is only possible, too
	guardOff    guardMode = "off"    // ask nothing
)

// The engines that can carry a session.
const (
	enginePlugin = "plugin" // the official plugin, as a child
	engineNative = "native" // our own data channel, for tunnels
)

// embeddedPlugin is the value of --plugin that means the one built in.
const embeddedPlugin = "embedded"

// ownPlugin is --plugin when it is not given: for a command line of the AWS CLI
// the plugin that it would find, if there is one, else the one built in.
const ownPlugin = ""

// ownOptions are the options of a session command that the AWS CLI has not.
type ownOptions struct {
	Guard   guardMode
	Plugin  string // ownPlugin, embeddedPlugin, or the path of a plugin
	Engine  string
	NoCache bool // neither read nor write what earlier runs learned
	Timings bool // tell on stderr where the time went
}

// option is an option of ours among those of the AWS CLI: exact spelling only,
// so that no abbreviation of an AWS option ever becomes one of them.
type option[T any] struct {
	flag     string
	env      string // the variable that gives its default; "" for none
	isSwitch bool   // takes no value on the command line
	set      func(o *T, value string) error
}

var ownTable = []option[ownOptions]{
	{"--guard", "SSMGUARD_GUARD", false, func(o *ownOptions, v string) error {
		return choose((*string)(&o.Guard), v, string(guardOn), string(guardWarn), string(guardStrict), string(guardOff))
	}},
	{"--plugin", "SSMGUARD_PLUGIN", false, func(o *ownOptions, v string) error {
		if v == "" {
			return fmt.Errorf("want %q or a path", embeddedPlugin)
		}
		o.Plugin = v
		return nil
	}},
	{"--engine", "SSMGUARD_ENGINE", false, func(o *ownOptions, v string) error {
		return choose(&o.Engine, v, enginePlugin, engineNative)
	}},
	{"--no-cache", "SSMGUARD_NO_CACHE", true, func(o *ownOptions, v string) error { return turn(&o.NoCache, v) }},
	{"--timings", "SSMGUARD_TIMINGS", true, func(o *ownOptions, v string) error { return turn(&o.Timings, v) }},
}

// takeOwn takes the options of every session command out of a command line.
func takeOwn(args []string, getenv func(string) string) (ownOptions, []string, error) {
	o := ownOptions{Guard: guardOn, Plugin: ownPlugin, Engine: enginePlugin}
	rest, err := take(&o, ownTable, args, getenv)
	return o, rest, err
}

// take takes the options of a table out of a command line that otherwise follows
// the AWS CLI's grammar, and returns the rest untouched. What follows "--" is
// not looked at.
func take[T any](o *T, table []option[T], args []string, getenv func(string) string) ([]string, error) {
	for _, opt := range table {
		if v := getenv(opt.env); opt.env != "" && v != "" {
			if err := opt.set(o, v); err != nil {
				return nil, usagef("%s=%s: %v", opt.env, v, err)
			}
		}
	}
	var rest []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(rest, args[i:]...), nil
		}
		flag, value, hasValue := strings.Cut(args[i], "=")
		at := slices.IndexFunc(table, func(opt option[T]) bool { return opt.flag == flag })
		if at < 0 {
			rest = append(rest, args[i])
			continue
		}
		switch opt := table[at]; {
		case opt.isSwitch && hasValue:
			return nil, usagef("%s takes no value", flag)
		case opt.isSwitch:
			value = "true"
		case !hasValue && i+1 == len(args):
			return nil, usagef("%s needs a value", flag)
		case !hasValue:
			i++
			value = args[i]
		}
		if err := table[at].set(o, value); err != nil {
			return nil, usagef("%s %s: %v", flag, value, err)
		}
	}
	return rest, nil
}

func choose(to *string, value string, choices ...string) error {
	if !slices.Contains(choices, value) {
		return fmt.Errorf("want one of %s", strings.Join(choices, ", "))
	}
	*to = value
	return nil
}

func turn(to *bool, value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("want true or false")
	}
	*to = on
	return nil
}

// operationOf is the operation of ours that a service of the AWS CLI has.
var operationOf = map[string]string{"ssm": "start-session", "ecs": "execute-command"}

// sessionFlags are the options of a session command: its own, ours, and those of
// the AWS CLI for the operation of a service.
func sessionFlags(service string, own ...string) []string {
	flags := append(own, flagNames(ownTable)...)
	for _, flag := range awscli.Flags(service, operationOf[service]) {
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// flagNames are the options of a table.
func flagNames[T any](table []option[T]) []string {
	names := make([]string, len(table))
	for i, o := range table {
		names[i] = o.flag
	}
	return names
}
