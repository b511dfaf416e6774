package casefile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestAgain: each rule's case gives the same verdict and the same findings when it is
// opened elsewhere, also with other ids in it.
func TestAgain(t *testing.T) {
	for _, f := range guardtest.Faults(t) {
		d := f.Check(t)
		if len(d.Unread) > 0 {
			continue // what could not be read is told beside the case
		}
		d = finding.Explain(d)
		c, err := Of(d, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "case.json")
		if err := c.Write(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		read, err := Parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told(d), told(again(t, read))); diff != "" {
			t.Errorf("%s (-as it was, +again):\n%s", f.Code, diff)
		}
		redacted, err := c.Redact()
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(redacted)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"111122223333", "i-0123456789abcdef0"} {
			if strings.Contains(string(b), id) {
				t.Errorf("%s: %s is in the redacted case", f.Code, id)
			}
		}
		if got := again(t, redacted); got.Verdict() != d.Verdict() || codes(got) != codes(d) {
			t.Errorf("%s, redacted: %v %s, want %v %s", f.Code, got.Verdict(), codes(got), d.Verdict(), codes(d))
		}
	}
}

// stated is an Inventory of known facts.
type stated guard.Facts

func (s stated) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return guard.Facts(s), nil
}

// again decides a case.
func again(t *testing.T, c Case) guard.Decision {
	t.Helper()
	set, texts, err := c.Set()
	if err != nil {
		t.Fatal(err)
	}
	g := guard.Guard{Inventory: stated(c.Facts), Simulators: append(c.Judges(), guard.Local{Source: guard.Static(set)})}
	d, err := g.Check(t.Context(), c.Request)
	if err != nil {
		t.Fatal(err)
	}
	d.Texts = texts
	return finding.Explain(d)
}

// told is what a decision says of each grant.
func told(d guard.Decision) (all []string) {
	all = append(all, d.Verdict().String())
	for _, f := range d.Findings {
		line := fmt.Sprint(f.Code, f.Level, f.Grant, f.Summary)
		for _, n := range f.Nearest {
			line += fmt.Sprintf("; %s: %s", n.At, n.Why)
		}
		all = append(all, line)
	}
	return all
}

func codes(d guard.Decision) string {
	var list []string
	for _, f := range d.Findings {
		list = append(list, string(f.Code))
	}
	return strings.Join(list, " ")
}

// TestParseRefuses: what is no case is told to be none.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``: "no case", `{}`: "no case", `[]`: "no case", `{"ssmguardCase":2,"request":{"Target":"i-1"}}`: "later version", `{"ssmguardCase":1}`: "no target",
	} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, c := range []Case{
		{Layers: []string{"scp 9"}}, {Layers: []string{"other"}}, {Policies: []Policy{{Kind: policy.Identity, Level: 99}}},
		{Policies: []Policy{{Source: "p", Document: []byte(`{}`)}}},
		{Policies: []Policy{{Source: "p", Document: []byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}},
	} {
		if _, _, err := c.Set(); err == nil {
			t.Errorf("%+v is read", c)
		}
	}
}

// TestRedactIsConsistent: an id is replaced by the same other wherever it stands, and names stay.
func TestRedactIsConsistent(t *testing.T) {
	c := Case{Version: 1, Request: guard.Request{Target: "mi-0a1b2c3d4e5f60718", Caller: guard.Caller{
		SessionARN: "arn:aws:sts::123456789012:assumed-role/dev/ann@example.org", Account: "123456789012", UserID: "AROAEXAMPLEEXAMPLE12:ann@example.org"}},
		Unread: []Unread{{"iam", "mi-0a1b2c3d4e5f60718 of 123456789012, by ann@example.org with 10.0.0.0/8"}}}
	got, err := c.Redact()
	if err != nil {
		t.Fatal(err)
	}
	account, target := got.Request.Caller.Account, got.Request.Target
	if !got.Redacted || account == "123456789012" || len(account) != 12 || !strings.HasPrefix(target, "mi-") || target == c.Request.Target {
		t.Errorf("%+v", got.Request)
	}
	if want := "arn:aws:sts::" + account + ":assumed-role/dev/person1@example.com"; got.Request.Caller.SessionARN != want {
		t.Errorf("%s, want %s", got.Request.Caller.SessionARN, want)
	}
	if want := target + " of " + account + ", by person1@example.com with 10.0.0.0/8"; got.Unread[0].Why != want {
		t.Errorf("%s, want %s", got.Unread[0].Why, want)
	}
}
