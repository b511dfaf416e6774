package check

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
)

// maxMessage bounds what explain reads from stdin, in bytes.
const maxMessage = 1 << 20

// explainOptions is an explain command line, complete.
type explainOptions struct {
	process *env.Process
	output  string // text or json; "" for text
	text    string // a code or a message; "" lists the codes
}

func (o *explainOptions) flags() []command.Flag {
	return []command.Flag{{Name: "--output", Choices: []string{"text", "json"}, Default: "text", Set: command.Text(&o.output),
		Text: "json prints the refusals of a message and what they mean as one object"}}
}

// runExplain takes a command line whose words may be a message, and a message may begin
// with dashes.
func runExplain(ctx context.Context, p *env.Process, words []string) error {
	o := &explainOptions{process: p}
	if err := o.complete(words); err != nil {
		return err
	}
	return o.run(ctx)
}

func (o *explainOptions) complete(words []string) error {
	flags := o.flags()
	rest, err := command.Take(flags, words, o.process.Getenv)
	if err != nil {
		return err
	}
	if at := slices.Index(rest, "--"); at >= 0 {
		rest = slices.Delete(rest, at, at+1)
	} else if len(rest) > 0 && optionForm().MatchString(rest[0]) {
		return exit.Usagef("%s", exit.UnknownOption(rest[0], command.Names(flags), `; see "ssmguard help explain"`))
	}
	o.text = strings.TrimSpace(strings.Join(rest, " "))
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
	if text, _, err = usertext.Decode(text); err != nil {
		return exit.Usagef("%v", err)
	}
	o.text = strings.TrimSpace(string(text))
	return nil
}

var (
	codeForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^SG[0-9]{3}$`) })
	optionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^--?[a-z][a-z-]*(=.*)?$`) })
)

func (o *explainOptions) run(ctx context.Context) error {
	asJSON := o.output == "json"
	if asJSON && (o.text == "" || codeForm().MatchString(o.text)) {
		return exit.Usagef("--output json is for messages; a page is text")
	}
	if o.text == "" {
		return report.Index(o.process.Stdout, finding.Pages())
	}
	if codeForm().MatchString(o.text) {
		rule, ok := finding.Page(guard.Code(o.text))
		if !ok {
			return exit.Usagef("there is no finding %s; see %q", strings.ToUpper(o.text), "ssmguard explain")
		}
		return report.Page(o.process.Stdout, rule, env.Width(o.process.Stdout))
	}
	refusals := finding.ParseRefusals(o.text)
	for i := range refusals {
		refusals[i] = decode(ctx, o.process, refusals[i])
	}
	decision := finding.Pasted(refusals)
	if asJSON {
		if err := report.Explanation(o.process.Stdout, refusals, decision.Findings); err != nil {
			return err
		}
	}
	switch {
	case len(refusals) == 0:
		return exit.Usagef("neither a finding's code nor an error message that is known: %s", firstLine(o.text))
	case len(decision.Findings) == 0:
		return fmt.Errorf("no finding explains %s: %s", refusals[0].Code, refusals[0].Message)
	case asJSON:
		return nil
	}
	return ask.Render(report.NewText(o.process.Stdout, report.Style{ASCII: true}), decision, false)
}

func firstLine(s string) string {
	line, _, more := strings.Cut(s, "\n")
	if more || len(line) > 60 {
		return fmt.Sprintf("%.60q ...", line)
	}
	return safetext.Line(line)
}
