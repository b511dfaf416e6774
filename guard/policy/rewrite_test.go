package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The oracle's cases, rewritten in ways that must not change a decision.

// rewriteDocuments applies f to every policy document of a case.
func rewriteDocuments(c map[string]any, f func(document map[string]any)) {
	one := func(p any) {
		if p, ok := p.(map[string]any); ok {
			f(p["document"].(map[string]any))
		}
	}
	each := func(list any) {
		for _, p := range list.([]any) {
			one(p)
		}
	}
	each(c["identityPolicies"])
	each(c["sessionPolicies"])
	one(c["permissionBoundary"])
	for _, name := range []string{"scps", "rcps"} {
		for _, level := range c[name].([]any) {
			each(level)
		}
	}
}

// rewriteStatements applies f to every statement of a case.
func rewriteStatements(c map[string]any, f func(statement map[string]any)) {
	rewriteDocuments(c, func(d map[string]any) {
		for _, s := range simpleList(d["Statement"]) {
			f(s.(map[string]any))
		}
	})
}

// swap changes the case of every ASCII letter.
func swap(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return c
	}, s)
}

// mapTexts applies f to a text or to each text of a list.
func mapTexts(v any, f func(string) string) any {
	var out []any
	for _, x := range simpleList(v) {
		out = append(out, f(x.(string)))
	}
	return out
}

// escapeAll writes every character of every string as \uXXXX.
func escapeAll(text []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			out.WriteByte(text[i])
			continue
		}
		end := i + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if err := json.Unmarshal(text[i:end+1], &s); err != nil {
			panic(err)
		}
		out.WriteByte('"')
		for _, c := range s {
			if c > 0xFFFF {
				c -= 0x10000
				fmt.Fprintf(&out, `\u%04x\u%04X`, 0xD800+c>>10, 0xDC00+c&0x3FF)
			} else {
				fmt.Fprintf(&out, `\u%04x`, c)
			}
		}
		out.WriteByte('"')
		i = end
	}
	return out.Bytes()
}

// spread puts white space between all tokens.
func spread(text []byte) []byte {
	var out bytes.Buffer
	inside := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inside && c == '\\':
			out.WriteByte(c)
			i++
			c = text[i]
		case c == '"':
			inside = !inside
		case !inside && strings.IndexByte("{}[]:,", c) >= 0:
			out.WriteString(" \t")
			out.WriteByte(c)
			out.WriteString("\r ")
			continue
		}
		out.WriteByte(c)
	}
	return out.Bytes()
}

func TestRewritingKeepsDecisions(t *testing.T) {
	rewrites := map[string]func(c map[string]any){
		"as it is": func(map[string]any) {},
		"single values as lists": func(c map[string]any) {
			rewriteDocuments(c, func(d map[string]any) { d["Statement"] = simpleList(d["Statement"]) })
			rewriteStatements(c, func(s map[string]any) {
				for _, name := range []string{"Action", "NotAction", "Resource", "NotResource"} {
					if v, ok := s[name]; ok {
						s[name] = simpleList(v)
					}
				}
			})
		},
		"values twice and in reverse": func(c map[string]any) {
			rewriteStatements(c, func(s map[string]any) {
				for _, name := range []string{"Action", "NotAction", "Resource", "NotResource"} {
					if v, ok := s[name]; ok {
						list := append(slices.Clone(simpleList(v)), simpleList(v)...)
						slices.Reverse(list)
						s[name] = list
					}
				}
			})
		},
		"actions in another case": func(c map[string]any) {
			c["action"] = swap(c["action"].(string))
			rewriteStatements(c, func(s map[string]any) {
				for _, name := range []string{"Action", "NotAction"} {
					if v, ok := s[name]; ok {
						s[name] = mapTexts(v, swap)
					}
				}
			})
		},
		"keys in another case": func(c map[string]any) {
			context := map[string]any{}
			for name, v := range c["context"].(map[string]any) {
				context[swap(name)] = v
			}
			c["context"] = context
		},
		"keys and operators of policies in another case": func(c map[string]any) {
			rewriteStatements(c, func(s map[string]any) {
				conditions, _ := s["Condition"].(map[string]any)
				out := map[string]any{}
				for operator, block := range conditions {
					swapped := map[string]any{}
					for key, values := range block.(map[string]any) {
						swapped[swap(key)] = values
					}
					out[swap(operator)] = swapped
				}
				s["Condition"] = out
			})
		},
		"conditions of one operator doubled": func(c map[string]any) {
			rewriteStatements(c, func(s map[string]any) {
				conditions, _ := s["Condition"].(map[string]any)
				for _, block := range conditions {
					for key, values := range block.(map[string]any) {
						block.(map[string]any)[key] = append(slices.Clone(simpleList(values)), simpleList(values)...)
					}
				}
			})
		},
		"more that is passed over": func(c map[string]any) {
			c["comment"] = map[string]any{"a": []any{1, nil, true, "x", map[string]any{}}}
			c["unknown"] = []any{"key:nobody-asks-for", "prefix:*"}
		},
	}
	every := times(5, 40) // some of the cases say as much
	for _, name := range []string{"basic", "conditions", "variables", "layers", "documented"} {
		lines, want := oracleCases(t, "testdata/eval/"+name+".jsonl")
		for how, rewrite := range rewrites {
			var d CaseEvaluator
			for i, line := range lines {
				if i%every != 0 {
					continue
				}
				in := json.NewDecoder(strings.NewReader(line))
				in.UseNumber()
				var c map[string]any
				if err := in.Decode(&c); err != nil {
					t.Fatal(err)
				}
				rewrite(c)
				text, err := json.Marshal(c)
				if err != nil {
					t.Fatal(err)
				}
				for form, text := range map[string][]byte{"plain": text, "escaped": escapeAll(text), "spread": spread(text)} {
					got := decision(t, d.Decide(nil, string(text)))
					if got.Decision != want[i].Decision || len(got.Matched) != len(want[i].Matched) {
						t.Fatalf("%s, %s: got %+v, want %+v\n%s", how, form, got, want[i], text)
					}
				}
			}
		}
	}
}
