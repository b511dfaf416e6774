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

// TestCommandLines compares with the AWS CLI's own parser: random command lines in
// testdata/argv.jsonl, each with what becomes of it. .ci/record-corpora records them.
func TestCommandLines(t *testing.T) {
	f, err := os.Open("testdata/argv.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for sc := bufio.NewScanner(f); sc.Scan(); lines++ {
		var c struct {
			Args []string
			Want string
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if got := summary(c.Args); got != c.Want {
			t.Errorf("%q:\n got %q\nwant %q", c.Args, got, c.Want)
		}
	}
	if lines != 400 {
		t.Errorf("read %d lines, want 400", lines)
	}
}

// summary tells what became of a command line, without the usage and the choices.
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
		return fmt.Sprint("V ", inv.RequestJSON, " ", deref(g.Profile), " ", deref(g.Region), " ", g.Output, " ", g.Debug, " ", g.NoVerifySSL)
	}
	text, _, _ := strings.Cut(u.Message, "\n\nusage: ")
	if before, _, ok := strings.Cut(text, "Found invalid choice"); ok {
		text = before + "invalid choice"
	}
	return "E " + text
}
