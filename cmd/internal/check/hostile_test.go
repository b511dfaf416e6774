package check

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext/safetexttest"
)

// shellText ends a word of a shell that is not quoted, and runs a program in it.
const shellText = "x;id$(id)`id`|id"

// unquoted finds shellText in the value of an option that is to be typed.
var unquoted = regexp.MustCompile(`--[a-z-]+ [^' ]*x;id`)

// hostileFault says what hostile text does in an output of this room.
func hostileFault(output string, asJSON bool) string {
	if asJSON && strings.Contains(output, "{") {
		return safetexttest.FaultJSON(output[strings.Index(output, "{"):])
	}
	if at := unquoted.FindString(output); at != "" {
		return "a command with text that a shell obeys: " + at
	}
	return safetexttest.Fault(output)
}

// TestHostileFault: a command that others can add to is noticed.
func TestHostileFault(t *testing.T) {
	for _, bad := range []string{"use --region eu-west-1" + shellText, "x: ssmguard check --target " + shellText, safetexttest.Hostile} {
		if hostileFault(bad, false) == "" {
			t.Errorf("%q is not noticed", bad)
		}
	}
	if fault := hostileFault("use --region 'eu-west-1"+shellText+"'", false); fault != "" {
		t.Error(fault)
	}
}

// tryCommand runs a command, and returns what it and its error say.
func tryCommand(run func(context.Context, *env.Process, []string) error, stdin string, words ...string) (stdout, all string) {
	var out, both bytes.Buffer
	p := &env.Process{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &both, Environ: []string{"AWS_EC2_METADATA_DISABLED=true"}}
	p.Stdout = writers{&out, &both}
	exit.Report(p, run(context.Background(), p, words))
	return out.String(), both.String()
}

type writers []*bytes.Buffer

func (w writers) Write(b []byte) (int, error) {
	for _, one := range w {
		one.Write(b)
	}
	return len(b), nil
}

// variants calls do with a JSON value once for each of its strings and names of members,
// which has text at its end, or in its place.
func variants(v any, text string, do func()) {
	list := func(set func(string), old string) {
		for _, s := range []string{old + text, text} {
			set(s)
			do()
		}
		set(old)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if s, ok := v[key].(string); ok {
				list(func(s string) { v[key] = s }, s)
			} else {
				variants(v[key], text, do)
			}
			old, name := v[key], key
			list(func(s string) { delete(v, name); v[s], name = old, s }, key)
		}
	case []any:
		for i := range v {
			if s, ok := v[i].(string); ok {
				list(func(s string) { v[i] = s }, s)
			} else {
				variants(v[i], text, do)
			}
		}
	}
}

// optionOfKind are the options that read a policy of each kind.
var optionOfKind = map[string]string{"identity": "--policy", "scp": "--scp", "boundary": "--boundary", "vpce": "--endpoint-policy"}

// TestHostilePolicies: no action, resource, key, value or name in a policy acts on a
// terminal, a runner, a reader, or on the shell to which a command of ours is pasted.
func TestHostilePolicies(t *testing.T) {
	var cases []struct {
		Name     string
		Policies []struct {
			Kind     string
			Document any
		}
		Request struct {
			Target, Region string
			Document       *string
			Principal      struct{ ARN string }
		}
	}
	text, err := os.ReadFile("../../../guard/policy/testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a policy.json")
	made, tried, shown := 0, 0, 0
	for _, c := range cases {
		for _, p := range c.Policies {
			if optionOfKind[p.Kind] == "" {
				t.Fatalf("%s: policies of kind %s", c.Name, p.Kind)
			}
			words := []string{optionOfKind[p.Kind], file, "--target", c.Request.Target, "--region", "us-east-1", "--principal", c.Request.Principal.ARN}
			if c.Request.Document != nil && tried%2 == 0 {
				words = append(words, "--document-name", *c.Request.Document)
			}
			for _, hostile := range append([]string{shellText}, safetexttest.Texts...) {
				variants(p.Document, hostile, func() {
					if made++; made%7 != 0 { // enough of all, and in all places
						return
					}
					raw, err := json.Marshal(p.Document)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, raw, 0o600); err != nil {
						t.Fatal(err)
					}
					output := []string{"text", "json", "sarif", "text"}[tried%4]
					tried++
					stdout, all := tryCommand(Run, "", append(slices.Clone(words), "--output", output)...)
					if output != "text" {
						all = stdout
					}
					if fault := hostileFault(all, output != "text"); fault != "" {
						t.Errorf("%s, %s with %s: %s", c.Name, output, raw, fault)
					}
					if strings.Contains(all, "forged") || strings.Contains(all, "x;id") {
						shown++
					}
				})
			}
		}
	}
	if tried < 500 || shown < 100 {
		t.Errorf("%d policies were tried, of which %d were shown", tried, shown)
	}
}

// TestHostilePlans: nor a name or value in a plan, a template or an output of the AWS CLI.
func TestHostilePlans(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*"}]}`
	quoted, _ := json.Marshal(policy)
	file := filepath.Join(t.TempDir(), "plan.json")
	made, tried, shown := 0, 0, 0
	for _, form := range []string{
		`{"format_version":"1.2","planned_values":{"root_module":{"resources":[
			{"address":"aws_iam_role.dev","mode":"managed","type":"aws_iam_role","values":{"name":"dev","inline_policy":[{"name":"a","policy":<text>}]}},
			{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","values":{"role":"other","name":"b","policy":<text>}},
			{"address":"aws_iam_policy.gone","mode":"managed","type":"aws_iam_policy","values":{"name":"c","policy":"{"}}]}},
			"resource_changes":[{"address":"aws_iam_user_policy.later","mode":"managed","type":"aws_iam_user_policy","change":{"actions":["create"],"after":{"user":"x"},"after_unknown":{"policy":true}}}]}`,
		`{"Resources":{"Dev":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"dev","ManagedPolicyArns":["arn:aws:iam::111122223333:policy/x"],"Policies":[{"PolicyName":"a","PolicyDocument":<policy>}]}},
			"Later":{"Type":"AWS::IAM::Policy","Condition":"IsProd","Properties":{"PolicyName":"b","Roles":[{"Ref":"Dev"},{"Fn::ImportValue":"x"}],"PolicyDocument":{"Fn::Sub":"x"}}}}}`,
		`{"Policy":{"Arn":"arn:aws:iam::111122223333:policy/x","DefaultVersionId":"v1"}}`,
		`{"RoleDetailList":[{"RoleName":"dev","Arn":"arn:aws:iam::111122223333:role/dev","RolePolicyList":[{"PolicyName":"a","PolicyDocument":<policy>}],"AttachedManagedPolicies":[{"PolicyName":"p","PolicyArn":"arn:aws:iam::111122223333:policy/p"}]}],
			"UserDetailList":[{"UserName":"u","Arn":"arn:aws:iam::111122223333:user/u","GroupList":["g"]}],"GroupDetailList":[],"Policies":[]}`,
	} {
		var v any
		form = strings.NewReplacer("<text>", string(quoted), "<policy>", policy).Replace(form)
		if err := json.Unmarshal([]byte(form), &v); err != nil {
			t.Fatal(err)
		}
		for _, hostile := range append([]string{shellText}, safetexttest.Texts...) {
			variants(v, hostile, func() {
				if made++; made%3 != 0 {
					return
				}
				raw, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, raw, 0o600); err != nil {
					t.Fatal(err)
				}
				output := []string{"text", "json", "sarif"}[tried%3]
				tried++
				stdout, all := tryCommand(Run, "", "--policy", file, "--target", "i-0123456789abcdef0", "--region", "us-east-1",
					"--principal", "arn:aws:sts::111122223333:assumed-role/dev/alice", "--output", output)
				if output != "text" && stdout != "" {
					all = stdout
				}
				if fault := hostileFault(all, output != "text" && stdout != ""); fault != "" {
					t.Errorf("%s with %s: %s", output, raw, fault)
				}
				if strings.Contains(all, "forged") || strings.Contains(all, "x;id") {
					shown++
				}
			})
		}
	}
	if tried < 100 || shown < 30 {
		t.Errorf("%d files were tried, of which %d were shown", tried, shown)
	}
}

// TestHostileMatrix: nor what a matrix calls its requests, and what they are about.
func TestHostileMatrix(t *testing.T) {
	file := filepath.Join(t.TempDir(), "matrix.yaml")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "p.json"), []byte(`{"Version":"2012-10-17","Statement":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, hostile := range safetexttest.Texts {
		quoted, _ := json.Marshal(hostile)
		for _, form := range []string{
			`{"policies":{"identity":["p.json"]},"requests":[{"name":<text>,"target":"i-0123456789abcdef0","expect":"allow"}]}`,
			`{"policies":{"identity":["p.json"]},"requests":[{"target":<text>}]}`,
			`{"policies":{"identity":["p.json"]},"requests":[{"target":"i-0123456789abcdef0","document":<text>}]}`,
			`{"policies":{"identity":["p.json"]},"principal":<text>,"requests":[{"target":"i-0123456789abcdef0"}]}`,
			`{"policies":{"identity":[<text>]},"requests":[{"target":"i-0123456789abcdef0"}]}`,
			`{<text>:1}`, `{"requests":[{"target":"x","expect":<text>}]}`,
		} {
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(form, "<text>", string(quoted))), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, all := tryCommand(Run, "", "--matrix", file, "--region", "us-east-1"); hostileFault(all, false) != "" {
				t.Errorf("%s: %s", form, hostileFault(all, false))
			}
		}
	}
}

// TestHostileMessages: nor does what explain is given, at whatever place of a message.
func TestHostileMessages(t *testing.T) {
	text, err := os.ReadFile("../../../guard/finding/testdata/messages.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); {
		var m struct{ Text string }
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m.Text)
	}
	tried, shown := 0, 0
	for _, m := range messages {
		words := strings.SplitAfter(m, " ")
		for _, hostile := range append([]string{shellText}, safetexttest.Texts...) {
			for at := tried % 3; at <= len(words); at += 3 {
				pasted := strings.TrimRight(strings.Join(words[:at], ""), " ") + hostile + " " + strings.Join(words[at:], "")
				var output []string
				if tried%3 == 0 {
					output = []string{"--output", "json"}
				}
				tried++
				stdout, all := tryCommand(runExplain, pasted, output...)
				if output != nil {
					all = stdout
				}
				if fault := hostileFault(all, output != nil); fault != "" {
					t.Errorf("%q: %s", pasted, fault)
				}
				if strings.Contains(all, "forged") || strings.Contains(all, "x;id") {
					shown++
				}
			}
		}
	}
	if tried < 1000 || shown < 100 {
		t.Errorf("%d messages were tried, of which %d were shown", tried, shown)
	}
}
