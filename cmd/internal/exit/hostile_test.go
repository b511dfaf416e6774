package exit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/internal/yamlfile"
	"ssmguard/proxy"
	"ssmguard/proxy/awsdb"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
	"ssmguard/proxy/plugin"
)

// TestHostileErrors: no error that a command can end with, whatever others wrote into
// its fields, acts on a terminal, a runner or a reader, in any of the AWS CLI's formats.
func TestHostileErrors(t *testing.T) {
	kinds := map[string]func(text string) error{
		"plain":         func(text string) error { return errors.New(text) },
		"wrapped":       func(text string) error { return fmt.Errorf("looking up: %w", errors.New(text)) },
		"joined":        func(text string) error { return errors.Join(errors.New(text), fmt.Errorf("x: %s", text)) },
		"usage":         func(text string) error { return Usagef("unknown word: %s %v %q", text, errors.New(text), text) },
		"coded":         func(text string) error { return Coded(text, Config) },
		"coded error":   func(text string) error { return WithCode(errors.Join(errors.New(text), errors.New(text)), Config) },
		"CLI's usage":   filled[awscli.UsageError],
		"CLI's":         filled[awsconf.Error],
		"refused":       filled[proxy.Refused],
		"unreachable":   filled[proxy.Unreachable],
		"left running":  filled[proxy.LeftRunningError],
		"both":          func(text string) error { return errors.Join(filled[proxy.LeftRunningError](text), errors.New(text)) },
		"asked":         filled[awsiam.Error],
		"no target":     filled[awsiam.NoTarget],
		"many targets":  filled[awsiam.AmbiguousTarget],
		"plugin's exit": filled[plugin.ExitError],
		"plugin's age":  filled[plugin.TooOldError],
		"plugin's file": filled[plugin.NotExecutableError],
		"faults": func(text string) error {
			return yamlfile.Faults{{File: text, Line: 1, Text: text}, {File: text, Text: text}}
		},
		"coded faults": func(text string) error {
			return WithCode(yamlfile.Faults{{File: text, Line: 1, Text: text}, {File: text, Text: text}}, Config)
		},
		"database":    filled[awsdb.NotFoundError],
		"no endpoint": filled[awsdb.NoEndpointError],
		"closed":      filled[channel.ClosedError],
		"handshake":   filled[channel.HandshakeError],
		"port":        filled[door.InUseError],
		"door":        filled[door.RemoteError],
		"channel":     filled[channel.StatusError],
		"patience":    filled[proxy.PatienceError],
		"interrupted": func(text string) error {
			return fmt.Errorf("%s: %w", text, &plugin.InterruptedError{Signal: syscall.SIGTERM})
		},
		"database call": filled[awsdb.CallError],
		"lookup":        filled[awsiam.LookupError],
		"container":     filled[awsssm.ContainerError],
		"project file":  filled[configs.UnusedError],
		"policy":        filled[policy.SyntaxError],
		"own voice": func(text string) error {
			return OwnVoice("start-session", filled[awscli.UsageError](text), func() []string { return nil })
		},
		"unknown option": func(text string) error { return Coded(UnknownOption(text, []string{"--target"}, ""), Usage) },
	}
	for name, make := range kinds {
		for _, text := range safetexttest.Texts {
			for _, format := range []string{"", "legacy", "enhanced", "json", "yaml", "text", text} {
				var out bytes.Buffer
				p := &env.Process{Stdout: &out, Stderr: &out, Asked: env.Asked{Profile: text, Region: text, ErrorFormat: format}}
				Report(p, make(text))
				if fault := safetexttest.Fault(out.String()); fault != "" {
					t.Errorf("%s, format %q: %s", name, format, fault)
				}
			}
		}
	}
	var out bytes.Buffer
	if Report(&env.Process{Stdout: &out, Stderr: &out}, context.Canceled); safetexttest.Fault(out.String()) != "" {
		t.Errorf("%q", out.String())
	}
}

// filled returns a pointer to an error with text in every field.
func filled[E any](text string) error {
	e := new(E)
	safetexttest.Fill(e, text)
	return any(e).(error)
}
