package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// cook declares a program with both kinds of commands: one that urfave/cli parses, and
// one with verbs whose words come before their options.
type cook struct {
	page, sauce, bakedFor string
	salt                  int
	quick                 bool
	dish                  []string
}

func (k *cook) commands() []*Command {
	return []*Command{
		{
			Command: cli.Command{Name: "boil", Category: Checks, ArgsUsage: "[options]", Usage: "boil", Description: "Boils."},
			Words:   "DISH",
			Run:     func(_ context.Context, _ *env.Process, words []string) error { k.dish = words; return nil },
			Options: func() []Flag {
				return []Flag{
					{Name: "--salt", Value: "GRAMS", Default: "3", Text: "how salty", Set: Number(&k.salt, 0, 9)},
					{Name: "--quick", Short: "-q", Text: "be quick", Set: Switch(&k.quick)},
					{Name: "--sauce", Choices: []string{"red", "white"}, Group: "beside it", Text: "which sauce", Set: Text(&k.sauce)},
					{Name: "--pot", Brief: true, Group: "beside it", Text: "in a pot"},
					{Name: "--lid", Brief: true, Group: "beside it", Text: "under a lid"},
				}
			},
			Examples: []Example{{Line: "ssmguard boil --quick", Text: "in a hurry"}},
		},
		{
			Command: cli.Command{Name: "oven", Category: Setup, Usage: "use the oven"},
			Verbs: []*Command{{
				Command: cli.Command{Name: "bake", SkipFlagParsing: true, ArgsUsage: "DISH", Usage: "bake a dish"}, Likely: []string{"roast"},
				Options: func() []Flag {
					return []Flag{{Name: "--for", Value: "WHOM", Env: "FOR", Text: "whose it is", Set: Text(&k.bakedFor)}}
				},
				Run: func(_ context.Context, p *env.Process, words []string) (err error) {
					k.dish, err = Take(k.commands()[1].Verbs[0].Flags(), words, p.Getenv)
					return err
				},
			}},
		},
	}
}

// runners run a command line: ours, and urfave/cli's own, which ours has to equal.
var runners = map[string]func(context.Context, *cli.Command, []string) error{
	"ours": Run,
	"urfave/cli": func(ctx context.Context, c *cli.Command, words []string) error {
		app := &cli.App{Name: c.Name, Commands: c.Subcommands, HideHelp: true, ExitErrHandler: func(*cli.Context, error) {}}
		return app.RunContext(ctx, append([]string{c.Name}, words...))
	},
}

func (k *cook) run(t *testing.T, run func(context.Context, *cli.Command, []string) error, words ...string) error {
	t.Helper()
	app := &cli.Command{Name: "ssmguard"}
	for _, c := range k.commands() {
		app.Subcommands = append(app.Subcommands, c.Join(&env.Process{Environ: []string{"FOR=me"}}, "", func(c *Command) error {
			k.page = c.Path()
			return nil
		}))
	}
	return run(t.Context(), app, words)
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		words, page, err string
		salt             int
		quick            bool
		dish, bakedFor   string
	}{
		{words: "boil --salt 5 -q egg", salt: 5, quick: true, dish: "egg"},
		{words: "boil --salt 5 --salt=7", salt: 7},
		{words: "boil --salt 77", err: "--salt 77: valid: 0 to 9"},
		{words: "boil --sauce green", err: "--sauce green: valid: red, white"},
		{words: "boil --salt", err: "--salt needs a value"},
		{words: "boil --slat 3", err: "unknown option: --slat; did you mean --salt?"},
		{words: "boil -x", err: `unknown option: -x; see "ssmguard help boil"`},
		{words: "boil --quick=perhaps", err: "--quick perhaps: valid: true, false"},
		{words: "boil --quick=false --salt=0 -- --salt 4", dish: "--salt 4"},
		{words: "boil egg --salt 5", dish: "egg --salt 5"},
		{words: "boil -", dish: "-"},
		{words: "boil -salt 5", salt: 5},
		{words: "boil ---salt 5", err: `bad flag syntax: ---salt; see "ssmguard help boil"`},
		{words: "boil --sauce green --salt 77", err: "--salt 77: valid: 0 to 9"},
		{words: "boil --help", page: "boil"},
		{words: "boil -h", page: "boil"},
		{words: "oven bake pie", dish: "pie", bakedFor: "me"},
		{words: "oven bake pie --for you", dish: "pie", bakedFor: "you"},
		{words: "oven bake pie --for you -- --for x", dish: "pie -- --for x", bakedFor: "you"},
		{words: "oven bake pie --help", page: "oven bake"},
		{words: "oven bake -- bake", dish: "-- bake", bakedFor: "me"},
		{words: "oven", page: "oven"},
		{words: "oven help", page: "oven"},
		{words: "oven -- bake pie", err: `unknown command: oven --; see "ssmguard help oven"`},
		{words: "oven roast pie", err: `unknown command: oven roast; did you mean "ssmguard oven bake"?`},
		{words: "oven freeze", err: `unknown command: oven freeze; see "ssmguard help oven"`},
	} {
		for name, run := range runners {
			k := &cook{}
			err := k.run(t, run, strings.Fields(tt.words)...)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || exit.Code(err) != exit.Usage {
					t.Errorf("%s: %s: %v, want %s", name, tt.words, err, tt.err)
				}
				continue
			}
			if err != nil || k.page != tt.page || k.salt != tt.salt || k.quick != tt.quick || k.bakedFor != tt.bakedFor || strings.Join(k.dish, " ") != tt.dish {
				t.Errorf("%s: %s: %v, %+v", name, tt.words, err, k)
			}
		}
	}
}

func TestPage(t *testing.T) {
	k := &cook{}
	commands := k.commands()
	commands[0].Join(nil, "", nil)
	var b strings.Builder
	if err := Page(&b, commands[0], 0); err != nil {
		t.Fatal(err)
	}
	want := `usage: ssmguard boil [options]

examples:
  # in a hurry
  ssmguard boil --quick

Boils.

options:
  --salt GRAMS                how salty (default: 3)
  -q, --quick                 be quick

beside it:
  --sauce red|white           which sauce
  --pot, --lid: see "ssmguard help options"
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := List(&b, commands, 0); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "\npermissions:\n  boil            boil\n\nsetup:\n  oven            use the oven\n\n") {
		t.Error(got)
	}
}

func TestNearest(t *testing.T) {
	commands := (&cook{}).commands()
	for word, want := range map[string]string{"biol": "boil", "ove": "oven", "ov": "", "x": ""} {
		if got := Nearest(word, commands); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

// TestTakeEmptyWord: the empty word after an option of the AWS CLI is its value, and
// no option of ours whose short name is empty.
func TestTakeEmptyWord(t *testing.T) {
	flags := []Flag{{Name: "--for", Value: "WHOM", Set: func(v string) error { return fmt.Errorf("set to %q", v) }}}
	words := []string{"--target", "", "=x"}
	if rest, err := Take(flags, words, func(string) string { return "" }); err != nil || !slices.Equal(rest, words) {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestPageOnNarrowTerminals: a text stands under its name, paragraphs are filled anew, lines
// that begin with a space stay, and command lines are broken so that they can be pasted.
func TestPageOnNarrowTerminals(t *testing.T) {
	c := &Command{
		Command: cli.Command{Name: "boil", ArgsUsage: "DISH|OTHER-DISH [options]", Description: "Boils a dish for as long as that\ntakes, in salted water.\n\n  Pot: as it stands here, however wide it is"},
		Options: func() []Flag {
			return []Flag{{Name: "--salt", Value: "GRAMS", Default: "3", Text: "how salty the water is to be"}}
		},
		Examples: []Example{{Line: `ssmguard boil egg --salt 5 --note "soft --not hard" --quick`, Text: "an egg"}},
	}
	c.Join(nil, "", nil)
	var b strings.Builder
	if err := Page(&b, c, 40); err != nil {
		t.Fatal(err)
	}
	want := `usage: ssmguard boil DISH|OTHER-DISH
    [options]

examples:
  # an egg
  ssmguard boil egg --salt 5 \
    --note "soft --not hard" --quick

Boils a dish for as long as that takes,
in salted water.

  Pot: as it stands here, however wide it is

options:
  --salt GRAMS
      how salty the water is to be
      (default: 3)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
