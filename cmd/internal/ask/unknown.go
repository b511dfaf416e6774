package ask

import (
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// Unknown is the error for a command line of the AWS CLI that ssmguard does not take.
func (l *Line) Unknown() error {
	service, word := l.Call.Service, safetext.Line(l.Call.Refusal.Choice)
	if ours := OperationOf[service]; spelling.Nearest(word, []string{ours}) != "" {
		return exit.Usagef("unknown command: %s %s; did you mean \"ssmguard %s %s\"?", service, word, service, ours)
	}
	return exit.Usagef("unknown command: %s %s; \"ssmguard aws %s %s\" hands it to the AWS CLI", service, word, service, word)
}
