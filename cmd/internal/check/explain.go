package check

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
)

// maxMessage bounds what explain reads from stdin, in bytes.
const maxMessage = 1 << 20

// explainOptions is an explain command line, complete.
type explainOptions struct {
	process *env.Process
	text    string // a code or a message; "" lists the codes
}

func (o *explainOptions) complete(words []string) error {
	o.text = strings.TrimSpace(strings.Join(words, " "))
	if o.text != "" || env.IsTerminal(o.process.Stdin) {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(o.process.Stdin, maxMessage+1))
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return exit.Usagef("the message is longer than %d bytes", maxMessage)
	}
	o.text = strings.TrimSpace(string(text))
	return nil
}

var codeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^SG[0-9]{3}$`) })

func (o *explainOptions) run(ctx context.Context) error {
	if o.text == "" {
		return report.Index(o.process.Stdout, finding.Pages())
	}
	if codeForm().MatchString(o.text) {
		rule, ok := finding.Page(guard.Code(o.text))
		if !ok {
			return exit.Usagef("there is no finding %s; see %q", strings.ToUpper(o.text), "ssmguard explain")
		}
		return report.Page(o.process.Stdout, rule, 0)
	}
	refusal, ok := finding.ParseRefusal(o.text)
	if !ok {
		return exit.Usagef("neither a finding's code nor an error message of AWS's: %s", firstLine(o.text))
	}
	decision := finding.Refused(guard.Decision{}, decode(ctx, o.process, refusal))
	if len(decision.Findings) == 0 {
		return fmt.Errorf("no finding explains %s: %s", refusal.Code, refusal.Message)
	}
	return ask.Render(report.NewText(o.process.Stdout, 0, false), decision, false)
}

func firstLine(s string) string {
	line, _, more := strings.Cut(s, "\n")
	if more || len(line) > 60 {
		return fmt.Sprintf("%.60q ...", line)
	}
	return line
}
