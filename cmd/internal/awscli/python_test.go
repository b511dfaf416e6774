package awscli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPython compares with the libraries that the AWS CLI is built on: random
// inputs in testdata/python.jsonl, each with what Python 3.11's json and
// argparse (with the CLI's options) make of it.
func TestPython(t *testing.T) {
	f, err := os.Open("testdata/python.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	judges := map[string]func(in string, args []string) string{
		"argv": func(_ string, args []string) string { return summary(args) },
	}
	seen := map[string]int{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var c struct {
			Kind, In, Want string
			Args           []string
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		seen[c.Kind]++
		if got := judges[c.Kind](c.In, c.Args); meaning(got) != meaning(c.Want) {
			t.Errorf("%s %q%q:\n got %q\nwant %q", c.Kind, c.In, c.Args, got, c.Want)
		}
	}
	if len(seen) != len(judges) {
		t.Errorf("inputs %v", seen)
	}
}

// summary tells what became of a command line, without the usage text.
func summary(args []string) string {
	inv, err := Parse(args, Env{})
	var u *UsageError
	switch {
	case errors.As(err, &u):
	case inv.Refusal != nil:
		u = inv.Refusal
	case inv.Command == Version:
		return "version"
	case inv.Command == Help:
		return "help"
	case inv.Command == Skeleton:
		return "skeleton"
	default:
		g := inv.Globals
		return fmt.Sprint("V ", inv.RequestJSON, " ", deref(g.Profile), " ", deref(g.Region), " ", g.Output, " ", g.Color, " ", g.Debug, " ", g.NoVerifySSL)
	}
	text, _, _ := strings.Cut("E "+u.Message, "\n\nusage: ")
	return text
}
