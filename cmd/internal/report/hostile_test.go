package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy"
)

// hostileDecision returns a decision with text in every field, at every level, of every
// kind of change, and the verdict.
func hostileDecision(text string, verdict policy.Verdict) guard.Decision {
	var d guard.Decision
	safetexttest.Fill(&d, text)
	statement, _ := json.Marshal(map[string]string{"Sid": text})
	for level := guard.Note; level <= guard.Error; level++ {
		for _, kind := range []guard.ChangeKind{guard.AddStatement, guard.ReplaceStatement, guard.RemoveStatement} {
			for _, checked := range []bool{true, false} {
				var f guard.Finding
				safetexttest.Fill(&f, text)
				f.Level = level
				f.Nearest = append(f.Nearest, f.Nearest...)
				for fix := f.Fix; fix != nil; fix = fix.Or {
					fix.Checked = checked
					for i := range fix.Changes {
						fix.Changes[i].Kind, fix.Changes[i].Statement = kind, string(statement)
					}
					fix.Changes = append(fix.Changes, fix.Changes...)
				}
				d.Findings = append(d.Findings, f)
			}
		}
	}
	// The text stands in a policy's file, too, which is excerpted and changed.
	condition, _ := json.Marshal(map[string]any{"StringEquals": map[string]string{text: text}})
	d.Texts = map[string]guard.PolicyText{text: {File: text, Lined: true, Whole: true,
		Text: "{\"Statement\": [{\"Sid\": " + strings.ReplaceAll(strconv.Quote("x"), "x", strings.NewReplacer(`"`, "", `\`, "", "\n", " ", "\r", " ").Replace(text)) +
			",\n  \"Condition\": " + string(condition) + "}]}\n"}}
	for i := range d.Findings {
		f := &d.Findings[i]
		f.Nearest = append(f.Nearest, guard.Near{At: policy.Pos{Source: text}, Why: text, Part: source.Part{Element: "Condition", Operator: "StringEquals", Key: text}},
			guard.Near{At: policy.Pos{Source: text}, Note: text, Part: source.Part{Element: "Sid"}})
		for fix := f.Fix; fix != nil; fix = fix.Or {
			for j := range fix.Changes {
				fix.Changes[j].At = policy.Pos{Source: text}
			}
		}
	}
	d.Fix = nil
	for i := range d.Findings {
		for fix := d.Findings[i].Fix; fix != nil; fix = fix.Or {
			for j := range fix.Changes {
				fix.Changes[j].Statement = string(statement)
			}
		}
	}
	for i := range d.Grants {
		d.Grants[i].Advisory = false
	}
	for i := range d.Rulings {
		d.Rulings[i].Grant.Advisory, d.Rulings[i].Answer.Verdict, d.Rulings[i].Answer.DependsOn = false, verdict, nil
	}
	return d
}

var colours = []string{red, green, yellow, cyan, faint, normal}

// TestHostileDecision: no field of a decision acts on a terminal, a runner or a reader.
func TestHostileDecision(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for _, verdict := range []policy.Verdict{policy.Unknown, policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny} {
			d := hostileDecision(text, verdict)
			if d.Verdict() != verdict {
				t.Fatalf("verdict %v, want %v", d.Verdict(), verdict)
			}
			for _, checkOnly := range []bool{true, false} {
				for _, width := range []int{0, 1, 20, 60, 100} {
					var out bytes.Buffer
					renderAll(t, NewText(&out, Style{Width: width, Colour: width == 20, ASCII: width == 60}), d, checkOnly)
					if fault := safetexttest.Fault(out.String(), colours...); fault != "" {
						t.Errorf("text, width %d: %s", width, fault)
					}
					if !strings.Contains(out.String(), "forged") {
						t.Errorf("text, width %d, leaves out the text", width)
					}
				}
				var asJSON, asSARIF bytes.Buffer
				renderAll(t, NewJSON(&asJSON), d, checkOnly)
				if fault := safetexttest.FaultJSON(asJSON.String()); fault != "" {
					t.Errorf("JSON: %s", fault)
				}
				var back decisionJSON
				if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil || back.Findings[0].Summary != text || back.Rulings[0].Judge != text {
					t.Errorf("JSON reads back as %+v, %v", back, err)
				}
				var annotations bytes.Buffer
				renderAll(t, NewGitHub(&annotations, []string{text}), d, checkOnly)
				for line := range strings.Lines(annotations.String()) {
					command, found := strings.CutPrefix(line, "::")
					if fault := safetexttest.Fault(command); fault != "" {
						t.Errorf("GitHub: %s", fault)
					}
					properties, _, _ := strings.Cut(command, "::")
					if level, _, _ := strings.Cut(properties, " "); found && (!slices.Contains([]string{"error", "warning", "notice"}, level) || strings.Count(properties, "title=") != 1) {
						t.Errorf("GitHub: %q", line)
					}
				}
				renderAll(t, NewSARIF(&asSARIF, []string{text, text + ": x"}), d, checkOnly)
				if fault := safetexttest.FaultJSON(asSARIF.String()); fault != "" {
					t.Errorf("SARIF: %s", fault)
				}
				checkMessages(t, asSARIF.Bytes())
			}
		}
	}
}

// checkMessages: what a viewer of SARIF shows is as safe as what a terminal shows.
func checkMessages(t *testing.T, text []byte) {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	for _, r := range log.Runs[0].Results {
		if fault := safetexttest.Fault(r.Message.Text); fault != "" {
			t.Errorf("SARIF's message: %s", fault)
		}
		for _, l := range r.Locations {
			if strings.ContainsAny(l.Physical.Artifact.URI, " \x1b\n#[]<>\"") {
				t.Errorf("SARIF's uri %q", l.Physical.Artifact.URI)
			}
		}
	}
}

func renderAll(t *testing.T, h Handler, d guard.Decision, checkOnly bool) {
	t.Helper()
	if err := errors.Join(h.Config(Config{Protocol: Protocol, CheckOnly: checkOnly}), h.Decision(d), h.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestSARIFMakesNoLinks: [text](address) in a policy is no link in a viewer.
func TestSARIFMakesNoLinks(t *testing.T) {
	d := guard.Decision{Facts: guard.Facts{TargetTags: map[string]string{"Name": "[a](https://example.com)"}}}
	if text := message(d, guard.Finding{Level: guard.Error, Summary: "no [grant](https://example.com)"}); strings.Contains(text, "](") {
		t.Error(text)
	}
}

// TestHostileExplanation: nor does a message that explain reads.
func TestHostileExplanation(t *testing.T) {
	for _, text := range safetexttest.Texts {
		var r finding.Refusal
		safetexttest.Fill(&r, text)
		var out bytes.Buffer
		if err := Explanation(&out, []finding.Refusal{r}, hostileDecision(text, policy.Unknown).Findings); err != nil {
			t.Fatal(err)
		}
		if fault := safetexttest.FaultJSON(out.String()); fault != "" {
			t.Error(fault)
		}
	}
}

// TestHostileEvents: nor what a far end and a configuration say of tunnels.
func TestHostileEvents(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for _, prefix := range []string{"", "ssmguard: "} {
			var asText, asJSON bytes.Buffer
			for state := proxy.State(0); state <= proxy.GaveUp+1; state++ {
				var e proxy.Event
				safetexttest.Fill(&e, text)
				e.State = state
				for _, note := range []string{text, ""} {
					e.Note = note
					printers := []Events{NewEventJSON(&asJSON)}
					if prefix == "" {
						printers = append(printers, NewEventText(&asText, ""))
					} else {
						printers = append(printers, NewEventText(&asText, "ssmguard: "))
					}
					for _, p := range printers {
						if err := p.Event(e); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			for name, fault := range map[string]string{"text": safetexttest.Fault(asText.String()), "JSON": safetexttest.FaultJSON(asJSON.String())} {
				if fault != "" {
					t.Errorf("%s: %s", name, fault)
				}
			}
			if !strings.Contains(asText.String(), "forged") {
				t.Error("the text is left out")
			}
		}
	}
}

// TestHostileCheckup: nor what doctor lists.
func TestHostileCheckup(t *testing.T) {
	for _, text := range safetexttest.Texts {
		var c Check
		safetexttest.Fill(&c, text)
		var asText, asJSON bytes.Buffer
		if err := errors.Join(Checkup(&asText, []Check{c}, 0, false), CheckupJSON(&asJSON, []Check{c})); err != nil {
			t.Fatal(err)
		}
		if fault := safetexttest.Fault(asText.String()) + safetexttest.FaultJSON(asJSON.String()); fault != "" {
			t.Error(fault)
		}
	}
}
