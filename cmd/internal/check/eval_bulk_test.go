package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// aCase is a case that is allowed, with an id.
func aCase(id string) string {
	return fmt.Sprintf(`{"id":%q,"principal":{"arn":"arn:aws:iam::111122223333:user/a","type":"user"},"action":"ssm:StartSession",`+
		`"resource":"arn:aws:ec2:us-east-1:111122223333:instance/i-1",`+
		`"identityPolicies":[{"name":"p","document":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}]}`, id)
}

// oneDecision is what is looked at of a line of output.
type oneDecision struct{ ID, Decision string }

func decided(t *testing.T, line []byte) (got oneDecision) {
	t.Helper()
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return got
}

func TestDecideCasesKeepsOrder(t *testing.T) {
	var in strings.Builder
	var want []string
	padding := strings.Repeat("x", 700)
	for i := range 3000 {
		id := fmt.Sprintf("c%d", i)
		if i == 1500 {
			padding = strings.Repeat("y", 3*blockSize) // a line longer than a block
		}
		line := strings.Replace(aCase(id), "{", `{"padding":"`+padding+`",`, 1)
		if i == 1501 {
			padding = "z"
		}
		if i%7 == 0 {
			line = "not a case"
			id = ""
		}
		fmt.Fprintf(&in, "%s\n", line)
		if i%5 == 0 {
			in.WriteString(" \r\n\n")
		}
		want = append(want, id)
	}
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(in.String()), "in halves": iotest.HalfReader(strings.NewReader(strings.TrimSpace(in.String())))} {
		var out bytes.Buffer
		n, err := decideCases(context.Background(), r, &out)
		if err != nil || n != len(want) {
			t.Fatalf("%s: %d decisions, %v", name, n, err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, decided(t, []byte(line)).ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A slow producer gets the decision of each case before he sends the next.
func TestDecideCasesDoesNotWait(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := decideCases(context.Background(), inR, outW)
		outW.Close()
		done <- err
	}()
	buf := make([]byte, 4096)
	for range 3 {
		fmt.Fprintln(inW, aCase("c"))
		n, err := outR.Read(buf)
		if err != nil || decided(t, buf[:n]).Decision != "allowed" {
			t.Fatalf("%v: %s", err, buf[:n])
		}
	}
	inW.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestDecideCasesErrors(t *testing.T) {
	line := aCase("c") + "\n"
	if _, err := decideCases(context.Background(), strings.NewReader(strings.Repeat(line, 100)), brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("a broken output gives %v", err)
	}
	var out bytes.Buffer
	in := io.MultiReader(strings.NewReader(line+line), iotest.ErrReader(errBroken))
	if n, err := decideCases(context.Background(), in, &out); !errors.Is(err, errBroken) || n != 2 {
		t.Errorf("a broken input gives %v after %d cases", err, n)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if n, err := decideCases(ctx, strings.NewReader(line), &out); !errors.Is(err, context.Canceled) || n != 0 {
		t.Errorf("an ended context gives %v after %d cases", err, n)
	}
}

func BenchmarkCases(b *testing.B) {
	var in bytes.Buffer
	n := 0
	files, err := filepath.Glob("../../../guard/policy/testdata/eval/*.jsonl")
	if err != nil || len(files) == 0 {
		b.Fatal(files, err)
	}
	for _, name := range files {
		lines, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		n += bytes.Count(lines, []byte{'\n'})
		in.Write(lines)
	}
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := decideCases(context.Background(), bytes.NewReader(in.Bytes()), io.Discard); err != nil || got != n {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "cases/s")
}
