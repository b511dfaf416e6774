package policy

import "testing"

func BenchmarkCases(b *testing.B) {
	var lines []string
	for _, f := range []string{"basic", "conditions", "variables", "layers", "documented"} {
		l, _ := oracleCases(b, "testdata/eval/"+f+".jsonl")
		lines = append(lines, l...)
	}
	var d CaseEvaluator
	var out []byte
	n := 0
	for _, l := range lines {
		n += len(l)
	}
	b.SetBytes(int64(n / len(lines)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		out = d.Decide(out[:0], lines[i%len(lines)])
	}
}
