package policy

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type caseMatch struct {
	Policy    string `json:"policy"`
	Statement any    `json:"statement"`
}

type caseDecision struct {
	ID       string      `json:"id"`
	Decision string      `json:"decision"`
	Matched  []caseMatch `json:"matched"`
	Error    string      `json:"error"`
}

// oracleCases reads a file of cases with their expected decisions.
func oracleCases(t testing.TB, path string) (lines []string, want []caseDecision) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c struct {
			ID       string       `json:"id"`
			Expected caseDecision `json:"expected"`
		}
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		c.Expected.ID = c.ID
		lines, want = append(lines, in.Text()), append(want, c.Expected)
	}
	if err := in.Err(); err != nil || len(lines) == 0 {
		t.Fatalf("%s: %d cases, %v", path, len(lines), err)
	}
	return lines, want
}

func TestOracleCases(t *testing.T) {
	files, _ := filepath.Glob("testdata/eval/*.jsonl")
	if len(files) < 5 {
		t.Fatalf("found %d files of cases", len(files))
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			lines, want := oracleCases(t, path)
			var d CaseEvaluator
			wrong := 0
			for i, line := range lines {
				var got caseDecision
				if err := json.Unmarshal(d.Decide(nil, line), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want[i], got); diff != "" {
					wrong++
					if wrong < 20 {
						t.Errorf("%s\n%s", diff, line)
					}
				}
			}
			t.Logf("%d of %d wrong", wrong, len(lines))
		})
	}
}
