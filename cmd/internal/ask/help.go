package ask

import (
	"context"
	"errors"
	"slices"

	"ssmguard/cmd/internal/env"
)

// SessionHelp describes what the AWS CLI's grammar has no help for.
const SessionHelp = `The options are those of "aws ssm start-session", spelled and abbreviated alike:
--target, --document-name, --parameters, --reason, --profile, --region,
--endpoint-url, --debug and the rest. A target may be an id, a name, tag:KEY=VALUE
or a private address; on a terminal "ssmguard start-session" without one shows the
connected targets to choose from.
` + OwnHelp

// OwnHelp describes the options of a session that the AWS CLI has not.
const OwnHelp = `
Our own options, each with a variable for its default (SSMGUARD_GUARD and so on):

  --guard on         stop on a proven denial (default)
  --guard warn       explain, and go on
  --guard strict     stop also when it cannot be told
  --guard off        ask nothing
  --plugin embedded  use the session-manager plugin built in (default)
  --plugin PATH      use another
  --engine native    carry the session with our own data channel, not the plugin
  --no-cache         neither read nor write what earlier runs learned
  --timings          tell where the time before the session went

With --engine native stdout is the session's alone, a lost connection is resumed,
the end of stdin is told to the far side, which then ends in its own time, and a
command's exit code is ours (255 if a signal ended it) where the agent tells it:
in AWS-StartNonInteractiveCommand with separateOutputStream=True, which also keeps
the command's stderr apart. Such a command reads no input. On a terminal, at the
start of a line, ~. leaves a shell, ~^Z suspends it, ~~ is a tilde, ~? tells.
`

// WordsRun runs the words after a command.
type WordsRun func(ctx context.Context, p *env.Process, words []string) error

// WantsHelp finds --help and -h among the options of a command line.
func WantsHelp(words []string) bool {
	if i := slices.Index(words, "--"); i >= 0 {
		words = words[:i]
	}
	return slices.Contains(words, "--help") || slices.Contains(words, "-h")
}

// ErrHelp is returned when help was asked for in the AWS CLI's way, by the word.
var ErrHelp = errors.New("help wanted")
