package safetexttest

import (
	"errors"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	type inner struct {
		Text  string
		Again *inner
	}
	var v struct {
		Text   string
		Number int
		On     bool
		List   []inner
		Map    map[string][]string
		Ptr    *inner
		Err    error
		hidden string
	}
	Fill(&v, "x")
	if v.Text != "x" || v.Number != 1 || !v.On || v.List[0].Text != "x" || v.Map["x"][0] != "x" || v.Ptr.Again.Text != "x" || v.Err.Error() != "x" || v.hidden != "" {
		t.Errorf("%+v", v)
	}
}

// TestFault: everything that the hostile texts can do is noticed.
func TestFault(t *testing.T) {
	for _, bad := range append([]string{"a\x1b[31m", "\u009b", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\ufeff", "\U000e0041", "\x7f", "\u2028", "\u2029", "\r",
		"x\nssmguard: forged", "  aws: forged", "\t::error::forged", "a ##vso[task.forged]", "##[forged]"}, Texts...) {
		if Fault(bad) == "" {
			t.Errorf("%q is not noticed", bad)
		}
		if quoted := `{"a": "` + strings.ReplaceAll(bad, "\n", `\n`) + `"}`; FaultJSON(quoted) == "" && !strings.Contains(bad, "forged") {
			t.Errorf("%q is not noticed", quoted)
		}
	}
	for _, good := range []string{"ssmguard: error: x\n\ty::z\n", `a\x1b[31m \ssmguard: forged`, "x ssmguard: forged", errors.New("é").Error()} {
		if fault := Fault(good); fault != "" {
			t.Errorf("%q: %s", good, fault)
		}
	}
	if fault := Fault("\x1b[1mred\x1b[0m", "\x1b[1m", "\x1b[0m"); fault != "" {
		t.Error(fault)
	}
	if FaultJSON(`{"a":`) == "" {
		t.Error("no JSON is not noticed")
	}
}
