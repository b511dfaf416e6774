package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/lint"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// options are those of a command line.
type options struct {
	Output string
	Ignore []guard.Code
	Kind   policy.Kind

	OnlyPolicies bool
}

// kinds are the policies that a plain file may hold, as --kind names them.
var kinds = []string{policy.Identity.String(), policy.Boundary.String(), policy.Session.String(), policy.SCP.String(), policy.RCP.String(), policy.Endpoint.String()}

func (o *options) flags() []command.Flag {
	return []command.Flag{
		{Name: "--output", Choices: []string{"text", "json", "sarif", "github"}, Default: "text", Set: command.Text(&o.Output),
			Text: "a line for each finding, data, or annotations; on stdout"},
		{Name: "--ignore", Value: "CODE", Text: "leave out a finding, such as SG001; may be repeated", Set: func(v string) error {
			page, ok := finding.Page(guard.Code(v))
			if !ok {
				return fmt.Errorf("no finding has this code; %q lists them", "ssmguard explain")
			}
			o.Ignore = append(o.Ignore, page.Code)
			return nil
		}},
		{Name: "--only-policies", Text: "pass over files that are named and hold no policies, as in folders", Set: command.Switch(&o.OnlyPolicies)},
		{Name: "--kind", Choices: kinds, Default: kinds[0], Text: "what the policies are that stand alone in a file",
			Set: func(v string) error { return o.Kind.UnmarshalText([]byte(v)) }},
	}
}

// Command declares lint.
func Command() *command.Command {
	return &command.Command{
		Command: cli.Command{
			Name: "lint", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "FILE|FOLDER|- ... [options]",
			Usage: "look for faults in policies, without a target",
			Description: `Looks at the text of policies: actions, condition keys and types of resources that do not
exist, ARNs that match nothing, conditions that never hold, guards that guard nothing. A
file is a policy, a template, an output of "aws iam", or of "terraform show -json"; of a
folder all .json, .yaml, .yml and .template files with policies are read. It asks nobody
and needs no credentials. Exit codes: 0 no fault, 3 an error or a warning was found.`,
		},
		Words:   "FILE",
		Options: func() []command.Flag { return new(options).flags() },
		Likely:  []string{"validate", "linter", "vet"},
		Examples: []command.Example{
			{Line: "ssmguard lint policies/", Text: "look at every policy of a folder"},
			{Line: "terraform show -json plan.out | ssmguard lint -", Text: "look at every policy of a plan"},
			{Line: "ssmguard lint policies/ --output sarif > lint.sarif", Text: "the findings for code hosts and editors"},
		},
		Run: func(_ context.Context, p *env.Process, words []string) error {
			var o options
			words, err := command.Take(o.flags(), words, p.Getenv)
			if err != nil {
				return err
			}
			return o.run(p, words)
		},
	}
}

// run looks at the files that are named, and tells what was found.
func (o *options) run(p *env.Process, words []string) error {
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") && w != "-" && w != "--" }); i >= 0 {
		return exit.Usagef("%s", exit.UnknownOption(words[i], command.Names(o.flags()), fmt.Sprintf("; see %q", "ssmguard help lint")))
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "--" })
	if len(words) == 0 {
		return exit.Usagef("name a file or a folder with policies, or - for standard input; see %q", "ssmguard help lint")
	}
	files, faults := o.files(p, words)
	var documents []policyfile.Document
	for _, f := range files {
		list, unread, err := policyfile.Documents(f, policyfile.Known{})
		if err != nil {
			faults = append(faults, err)
		}
		for _, line := range unread {
			safetext.Fprintf(p.Notes(), "ssmguard: note: %s\n", line)
		}
		documents = append(documents, list...)
	}
	var found []guard.Finding
	for _, d := range documents {
		found = append(found, o.findings(d)...)
	}
	if err := o.print(p.Stdout, files, documents, found); err != nil {
		return err
	}
	bad := slices.DeleteFunc(slices.Clone(found), func(f guard.Finding) bool { return f.Level == guard.Note })
	if len(faults) == 0 || len(documents) > 0 {
		safetext.Fprintf(p.Notes(), "ssmguard: %s in %s\n", count(len(bad), "fault"), count(len(documents), "policy"))
	}
	switch {
	case len(faults) > 0:
		return exit.WithCode(errors.Join(faults...), exit.Config)
	case len(bad) > 0:
		return exit.Faulty()
	}
	return nil
}

// count is a number of faults or policies in words.
func count(n int, thing string) string {
	many := map[string]string{"fault": "faults", "policy": "policies"}
	switch n {
	case 0:
		return "no " + many[thing]
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %s", n, many[thing])
}

// findings are those about one policy.
func (o *options) findings(d policyfile.Document) []guard.Finding {
	var fs []guard.Finding
	if d.Fault != nil {
		fs = []guard.Finding{lint.Refused(d.Name, d.Fault)}
	} else {
		fs = lint.Findings(lint.Document{Kind: d.Kind, Source: d.Name, Statements: d.Statements, Warnings: d.Warnings})
	}
	return slices.DeleteFunc(fs, func(f guard.Finding) bool { return slices.Contains(o.Ignore, f.Code) })
}

func (o *options) print(w io.Writer, files []policyfile.File, documents []policyfile.Document, found []guard.Finding) error {
	d := guard.Decision{Findings: found, Texts: make(map[string]guard.PolicyText)}
	for _, doc := range documents {
		if len(doc.Statements) > 0 && doc.Text.Text != "" {
			d.Texts[doc.Statements[0].At.Source] = doc.Text
		}
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	switch o.Output {
	case "json":
		return report.LintJSON(w, len(documents), d)
	case "sarif":
		s := report.NewSARIF(w, paths)
		return cmp.Or(s.Decision(d), s.Close())
	case "github":
		return report.NewGitHub(w, paths).Findings(d)
	}
	return report.Lint(w, d)
}

// policyEndings are the endings of file names; of a folder, the files with one of them are read.
var policyEndings = []string{".json", ".yaml", ".yml", ".template"}

// files lists the files that words name, those of folders too, each once. What cannot be
// read is an error beside the others.
func (o *options) files(p *env.Process, words []string) (list []policyfile.File, faults []error) {
	have := make(map[string]bool)
	add := func(f policyfile.File) {
		if !have[f.Path] {
			have[f.Path] = true
			list = append(list, f)
		}
	}
	for _, word := range words {
		if word == "-" {
			text, err := io.ReadAll(p.Stdin)
			if err != nil {
				faults = append(faults, fmt.Errorf("standard input: %w", err))
				continue
			}
			add(policyfile.File{Kind: o.Kind, Path: "stdin", Text: append([]byte{}, text...)})
			continue
		}
		here := len(list)
		source := false // files of Terraform's language, which are not read
		err := filepath.WalkDir(word, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch name := d.Name(); {
			case path == word && !d.IsDir():
				if f := (policyfile.File{Kind: o.Kind, Path: path}); !o.OnlyPolicies || policyfile.Recognized(f) {
					add(f)
				}
			case d.IsDir() && path != word && (strings.HasPrefix(name, ".") || name == "node_modules"):
				return fs.SkipDir
			case d.Type().IsRegular() && strings.HasSuffix(name, ".tf"):
				source = true
			case d.Type().IsRegular() && slices.Contains(policyEndings, filepath.Ext(name)) && !strings.HasSuffix(name, ".tf.json"):
				if f := (policyfile.File{Kind: o.Kind, Path: path}); policyfile.Recognized(f) {
					add(f)
				}
			}
			return nil
		})
		switch {
		case err != nil:
			faults = append(faults, err)
		case source:
			safetext.Fprintf(p.Notes(), "ssmguard: note: %s: Terraform's own files are not read; pipe what \"terraform show -json\" prints of the plan into \"ssmguard lint -\"\n", word)
		case len(list) == here && !have[word] && !o.OnlyPolicies:
			faults = append(faults, fmt.Errorf("%s: no policies in this folder", word))
		}
	}
	return list, faults
}
