package cli

import (
	"context"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/doctor"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/report"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/plugin"
)

// versionCommand declares version.
func versionCommand() *command.Command {
	var output string
	var licenses, check bool
	return &command.Command{
		Command: cli.Command{
			Name: "version", Category: command.Setup,
			Usage: "print the version",
			Description: `Prints our version, the commit it was built from and the Go version; then which
session-manager plugin is built in, and which one is in PATH, if there is one. With
--output json it has the date of the commit, too. No version is looked for elsewhere:
ssmguard asks nobody but AWS.`,
		},
		Examples: []command.Example{{Line: "ssmguard version --output json", Text: "which program this is, for programs"}},
		Options: func() []command.Flag {
			return []command.Flag{
				{Name: "--licenses", Text: "print the licences and notices of everything that is built in", Set: command.Switch(&licenses)},
				{Name: "--check", Text: "say how old the parts are that were taken from AWS; nothing is asked of the network", Set: command.Switch(&check)},
				{Name: "--output", Choices: []string{"text", "json"}, Default: "text", Text: "json says the same to programs", Set: command.Text(&output)},
			}
		},
		Run: func(ctx context.Context, p *env.Process, _ []string) error {
			if licenses {
				_, err := io.WriteString(p.Stdout, notices)
				return err
			}
			v := versions(ctx, p)
			if check {
				v.Parts = doctor.Parts(time.Now())
			}
			if output == "json" {
				e := safetext.NewEncoder(p.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(v)
			}
			return v.print(p.Stdout)
		},
	}
}

// program is what `version` prints.
type program struct {
	Protocol int          `json:"protocol"`
	Version  string       `json:"version"` // the line of `--version`
	Release  string       `json:"release,omitempty"`
	Commit   string       `json:"commit,omitempty"`
	Date     string       `json:"date,omitempty"`    // of the commit
	Changed  bool         `json:"changed,omitempty"` // built with changes that are in no commit
	BuiltIn  builtIn      `json:"plugin"`
	InPath   *otherPlugin `json:"plugin_in_path,omitempty"` // the one that the AWS CLI would run

	Parts []doctor.Part `json:"parts,omitempty"` // with --check
}

// builtIn is the session-manager plugin that is built in.
type builtIn struct {
	Source  string `json:"source"` // the day of its source
	Release string `json:"nearest_release"`
	Minimum string `json:"minimum_release"` // AWS's
}

// otherPlugin is the session-manager plugin in PATH.
type otherPlugin struct {
	Path     string `json:"path,omitempty"`
	Version  string `json:"version,omitempty"`
	Standing string `json:"standing"` // or the reason why it cannot be used
	Outdated bool   `json:"outdated"`
}

// versions finds out what `version` prints.
func versions(ctx context.Context, p *env.Process) program {
	b := env.ReadBuild()
	v := program{Protocol: report.Protocol, Version: env.Version(),
		Release: b.Release, Commit: b.Commit, Date: b.Date, Changed: b.Changed,
		BuiltIn: builtIn{plugin.SourceDate, plugin.NearestRelease, plugin.MinimumRelease}}
	other, found, err := plugin.InPath(ctx, p.Environ)
	switch {
	case !found:
	case err != nil:
		v.InPath = &otherPlugin{Standing: env.OneLine(err), Outdated: true}
	default:
		v.InPath = &otherPlugin{other.Path(), other.Version(), other.Standing(), other.Outdated()}
	}
	return v
}

// print writes it as text.
func (v program) print(w io.Writer) error {
	_, err := safetext.Fprintf(w, "%s\n%s %s; AWS's minimum is %s\n", v.Version, plugin.Name, plugin.BuiltIn(), v.BuiltIn.Minimum)
	switch o := v.InPath; {
	case err != nil || o == nil:
	case o.Path == "":
		_, err = safetext.Fprintf(w, "in PATH: %s\n", o.Standing)
	default:
		_, err = safetext.Fprintf(w, "in PATH: %s %s, %s\n", o.Path, o.Version, o.Standing)
	}
	for _, part := range v.Parts {
		age := "less than a year old"
		if part.Old {
			age = "more than a year old: update ssmguard"
		}
		if err == nil {
			_, err = safetext.Fprintf(w, "%s: of %s, %s\n", part.Name, part.Of, age)
		}
	}
	return err
}
