package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

func TestEval(t *testing.T) {
	cases, err := os.ReadFile("../../../guard/policy/testdata/eval/documented.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, stdin    string
		args           []string
		code           int
		stdout, stderr string // expressions
	}{
		{"nothing", "", nil, exit.OK, `^$`, `^$`},
		{"a bad case", "x\n", nil, exit.OK, `^\{"id":"","decision":"error","matched":\[\],"error":"column 1: .*"\}\n$`, `^$`},
		{"many", string(cases), []string{"--stats"}, exit.OK, `^(\{"id":"all-9-\d+","decision":"(allowed|implicitDeny|explicitDeny)",.*\}\n){300}$`,
			`^ssmguard: 300 cases in \d+\.\d\d s, \d+ cases per second\n$`},
		{"a stray word", "", []string{"cases.jsonl"}, exit.Usage, `^$`, `^ssmguard: unknown word: cases.jsonl; see "ssmguard help eval"\n$`},
		{"an unknown option", "", []string{"--fast"}, exit.Usage, `^$`, `^ssmguard: unknown option: --fast; see "ssmguard help eval"\n$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"ssmguard", "eval"}, tt.args...)
			if code := Main(args, strings.NewReader(tt.stdin), &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !regexp.MustCompile(tt.stdout).MatchString(stdout.String()) {
				t.Errorf("stdout %.300s", stdout.String())
			}
			if !regexp.MustCompile(tt.stderr).MatchString(stderr.String()) {
				t.Errorf("stderr %s", stderr.String())
			}
		})
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestEvalReportsABrokenOutput(t *testing.T) {
	var stderr bytes.Buffer
	if code := Main([]string{"ssmguard", "eval"}, strings.NewReader("x\n"), brokenPipe{}, &stderr); code != exit.Other {
		t.Errorf("exit code %d", code)
	}
	if got := stderr.String(); got != "ssmguard: eval: file already closed\n" {
		t.Errorf("stderr %q", got)
	}
}
