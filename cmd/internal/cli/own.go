package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// ownOptions are the options of a session command that the AWS CLI has not.
type ownOptions struct {
	Guard   guardMode
	Plugin  string // embeddedPlugin, or the path of a plugin
	Engine  string
	NoCache bool // neither read nor write what earlier runs learned
	Timings bool // tell on stderr where the time went
}

// ownOption is one of our options: how it is spelled, the variable that gives
// its default, and how its value is taken.
type ownOption struct {
	flag, env string
	isSwitch  bool // takes no value on the command line
	set       func(o *ownOptions, value string) error
}

// ownTable holds our options: exact spelling only, so that no abbreviation of
// an AWS option ever becomes one of them.
var ownTable = []ownOption{
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

// takeOwn takes our options out of a command line that otherwise follows the
// AWS CLI's grammar, and returns the rest untouched. What follows "--" is not
// looked at.
func takeOwn(args []string, getenv func(string) string) (ownOptions, []string, error) {
	o := ownOptions{Guard: guardOn, Plugin: embeddedPlugin, Engine: enginePlugin}
	for _, own := range ownTable {
		if v := getenv(own.env); v != "" {
			if err := own.set(&o, v); err != nil {
				return o, nil, usagef("%s=%s: %v", own.env, v, err)
			}
		}
	}
	var rest []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return o, append(rest, args[i:]...), nil
		}
		flag, value, hasValue := strings.Cut(args[i], "=")
		at := slices.IndexFunc(ownTable, func(own ownOption) bool { return own.flag == flag })
		if at < 0 {
			rest = append(rest, args[i])
			continue
		}
		switch own := ownTable[at]; {
		case own.isSwitch && hasValue:
			return o, nil, usagef("%s takes no value", flag)
		case own.isSwitch:
			value = "true"
		case !hasValue && i+1 == len(args):
			return o, nil, usagef("%s needs a value", flag)
		case !hasValue:
			i++
			value = args[i]
		}
		if err := ownTable[at].set(&o, value); err != nil {
			return o, nil, usagef("%s %s: %v", flag, value, err)
		}
	}
	return o, rest, nil
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
