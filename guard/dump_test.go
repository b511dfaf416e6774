package guard

import (
	"fmt"
	"os"
	"testing"
)

func TestDump(t *testing.T) {
	if os.Getenv("DUMP") == "" {
		t.Skip()
	}
	for _, c := range publicCases(t) {
		d := c.check(t)
		fmt.Println("=====", c.Name, d.Verdict())
		for _, f := range d.Findings {
			fmt.Printf("%s %s: %s\n", f.Code, f.Level, f.Summary)
			for _, n := range f.Nearest {
				fmt.Printf("   near %s: %s\n", n.At, n.Why)
			}
			if f.Detail != "" {
				fmt.Println("   why ", f.Detail)
			}
			if f.Fix == nil {
				fmt.Println("   NO FIX")
				continue
			}
			fmt.Printf("   fix %v %s: %v checked=%v %s\n", f.Fix.Grants, f.Fix.Text, f.Fix.Needs, f.Fix.Checked, f.Fix.Check)
			for _, ch := range f.Fix.Changes {
				fmt.Printf("      %s %s %s %s %s\n", ch.Kind, ch.Layer, ch.Where, ch.At, ch.Statement)
			}
			if f.Fix.Ask != "" {
				fmt.Printf("      ASK %s: %s\n", f.Fix.Ask, f.Fix.Message)
			}
		}
	}
}
