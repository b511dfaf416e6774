package ask

import (
	"fmt"
	"slices"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/configs"
)

// EmbeddedPlugin is the value of --plugin for the plugin that is built in.
const EmbeddedPlugin = "embedded"

// AutoPlugin is the value of --plugin for the newer one of the plugin in PATH and the
// plugin that is built in.
const AutoPlugin = "auto"

// OwnPlugin is the value when --plugin is not given: for a command line of the AWS CLI
// the plugin that the CLI would find, if there is one, otherwise the plugin that is
// built in.
const OwnPlugin = ""

// OwnOptions are the options of session commands that the AWS CLI does not have.
type OwnOptions struct {
	Guard  configs.GuardMode
	Plugin string // OwnPlugin, EmbeddedPlugin, AutoPlugin, or the path of a plugin
	Engine string // one of configs.Engines, or "" for the command's default
	// PluginOutput makes our own data channel print the lines of the official plugin on stdout.
	PluginOutput bool
	NoCache      bool   // neither read nor write what earlier runs learned
	Peer         string // one of configs.Peers, or "" for the default
	Timings      bool   // print on stderr how the time was spent
}

// The headings of options that several commands have.
const (
	ownGroup     = "options of every session"
	sessionGroup = "the session, as for start-session"
	taskGroup    = "the task, as for ecs execute-command"
	awsGroup     = "options of the AWS CLI"
)

// GuardFlag declares --guard.
func GuardFlag(to *configs.GuardMode) command.Flag {
	return command.Flag{Name: "--guard", Choices: configs.GuardModes(), Default: string(configs.GuardOn), Env: "SSMGUARD_GUARD",
		Text: configs.GuardText(), Group: ownGroup, Set: command.Text(to)}
}

// flags are the options of every session command.
func (o *OwnOptions) flags() []command.Flag {
	return []command.Flag{
		GuardFlag(&o.Guard),
		{Name: "--engine", Choices: configs.Engines, Default: configs.EnginePlugin, Env: "SSMGUARD_ENGINE",
			Text:  "what carries the session: the official plugin, or our own data channel",
			Group: ownGroup, Set: command.Text(&o.Engine)},
		{Name: "--plugin-output", Env: "SSMGUARD_PLUGIN_OUTPUT", Group: ownGroup,
			Text: "with our own data channel, print on stdout what the official plugin prints there, for programs that wait for it",
			Set:  command.Switch(&o.PluginOutput)},
		PeerFlag(&o.Peer),
		PluginFlag(&o.Plugin),
		NoCacheFlag(&o.NoCache),
		{Name: "--timings", Env: "SSMGUARD_TIMINGS", Brief: true, Text: "say on stderr where the time before the session went",
			Group: ownGroup, Set: command.Switch(&o.Timings)},
	}
}

// PeerFlag declares --peer.
func PeerFlag(to *string) command.Flag {
	return command.Flag{Name: "--peer", Choices: configs.Peers, Default: configs.PeerOwn, Env: "SSMGUARD_PEER", Group: ownGroup, Brief: true,
		Text: "whose processes may use a forwarded port, on Linux with our own data channel. own: yours and root's; any: every user's of this machine",
		Set:  command.Text(to)}
}

// PluginFlag declares --plugin.
func PluginFlag(to *string) command.Flag {
	return command.Flag{Name: "--plugin", Value: "PLUGIN", Default: EmbeddedPlugin, Env: "SSMGUARD_PLUGIN", Brief: true,
		Text: "the session-manager plugin: " + EmbeddedPlugin + ", the one built in; " + AutoPlugin + ", the newer of that and the one in PATH; or the path of another", Group: ownGroup,
		Set: func(v string) error {
			if v == "" {
				return fmt.Errorf("valid: %q, %q or a path", EmbeddedPlugin, AutoPlugin)
			}
			*to = v
			return nil
		}}
}

// NoCacheFlag declares --no-cache.
func NoCacheFlag(to *bool) command.Flag {
	return command.Flag{Name: "--no-cache", Env: "SSMGUARD_NO_CACHE", Group: ownGroup, Brief: true,
		Text: "neither read nor write what earlier runs learned", Set: command.Switch(to)}
}

// TakeOwn takes the options of every session command out of a command line.
func TakeOwn(args []string, getenv func(string) string) (OwnOptions, []string, error) {
	o := OwnOptions{Guard: configs.GuardOn, Plugin: OwnPlugin}
	rest, err := command.Take(o.flags(), args, getenv)
	return o, rest, err
}

// OwnDefaults returns the options of session commands for an empty command line.
func OwnDefaults(getenv func(string) string) (OwnOptions, error) {
	o, _, err := TakeOwn(nil, getenv)
	return o, err
}

// OperationOf maps a service of the AWS CLI to the operation that ssmguard takes.
var OperationOf = map[string]string{"ssm": "start-session", "ecs": "execute-command"}

// OwnFlags declares the options of every session command. Without names all of them
// have an effect; with names only the named ones have, and the others are hidden.
func OwnFlags(names ...string) []command.Flag {
	flags := new(OwnOptions).flags()
	for i := range flags {
		flags[i].Hidden = names != nil && !slices.Contains(names, flags[i].Name)
	}
	return flags
}

// SessionFlags declares the options of a command that is itself an operation of the AWS
// CLI: the operation's options, ours, and the AWS CLI's global options.
func SessionFlags(service string) []command.Flag {
	session, global := awsFlags(service, "", awscli.OnSessions)
	return slices.Concat(session, OwnFlags(), global)
}

// AboutSession declares the options of a command that carries a session, or asks about one:
// own, the options that describe the session, options of ours, and the AWS CLI's. A command
// that starts nothing names the options of ours that have an effect on it.
func AboutSession(own []command.Flag, ours ...string) []command.Flag {
	most := awscli.OnSessions
	if ours != nil {
		most = awscli.Everywhere
	}
	session, global := awsFlags("ssm", sessionGroup, most)
	return command.Unique(own, session, OwnFlags(ours...), global)
}

// AWSCommandLine declares the options of both operations that are taken out of the command
// lines of the AWS CLI.
func AWSCommandLine() []command.Flag {
	session, global := awsFlags("ssm", sessionGroup, awscli.OnAWSVoice)
	task, _ := awsFlags("ecs", taskGroup, awscli.OnAWSVoice)
	return command.Unique(session, task, OwnFlags(), global)
}

// fullyShown are the options of the AWS CLI whose text is in the help of each command.
var fullyShown = []string{"--profile", "--region"}

// awsFlags declares the options that awscli parses; those with a lesser effect than most are
// hidden.
func awsFlags(service, group string, most awscli.Effect) (session, global []command.Flag) {
	for _, o := range awscli.Options(service, OperationOf[service]) {
		f := command.Flag{Name: o.Flag, Value: o.Value, Choices: o.Choices, Text: o.Text, Group: group, Hidden: o.Works > most}
		if o.Global {
			f.Group, f.Brief = awsGroup, !slices.Contains(fullyShown, o.Flag)
			global = append(global, f)
		} else {
			session = append(session, f)
		}
	}
	return session, global
}
