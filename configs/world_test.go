package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorldsLoad(t *testing.T) {
	worlds, err := Worlds()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, w := range worlds {
		names[w.Name] = true
		if w.About == "" || w.Default == "" {
			t.Errorf("world %s needs about and default", w.Name)
		}
	}
	for _, want := range []string{"default", "seed1-instance-only", "seed1-both", "seed1-deny", "seed2-tag-only", "seed2-fixed", "databases"} {
		if !names[want] {
			t.Errorf("no world %s", want)
		}
	}
}

func TestLoadWorldReportsEveryFaultWithItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	text := `account: "1111"
region: tokyo
default: alise
users:
  alice:
    groups: [devs]
    attached: [Admin]
    path: team
    inline: {ssm: "{"}
logins:
  alice: {as: user/alice}
  dev: {as: role/dev}
instances:
  - {id: web}
  - {id: i-0123456789abcdef0, ping: Offline, state: asleep}
  - {id: i-0123456789abcdef0}
services:
  db: {greeting: hello}
faults:
  - {operation: iam:GetRole, kind: slow}
rds:
  clusters: {orders: {engine: aurora}}
  instances:
    Orders-1: {cluster: order}
    big: {engine: mysql, port: 70000, address: here}
elasticache:
  groups: {wide: {engine: valkey, shards: 1000}}
  clusters: {pages: {}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadWorld(file)
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), file+":", ""), "\n")
	want := []string{
		`1: account "1111" is not twelve digits; put it in quotes`,
		`2: region "tokyo" is none`,
		`3: no login "alise", did you mean "alice"?`,
		`6: no group "devs"`,
		`7: no policy "Admin"`,
		`8: path "team" does not begin and end with a slash`,
		`9: document "ssm" is no JSON object: unexpected end of JSON input`,
		`12: login "dev": no principal "role/dev"; write user/NAME, role/NAME, federated/USER/NAME or root`,
		`14: instance id "web" is neither i-... nor mi-...`,
		`15: ping status "Offline" is none of Online, ConnectionLost, Inactive, none`,
		`15: instance state "asleep" is none of pending, running, shutting-down, terminated, stopping, stopped`,
		`16: instance i-0123456789abcdef0 is there twice`,
		`18: service "db" is not HOST:PORT`,
		`20: kind of fault "slow" is none of throttle, unavailable, garbage, drop`,
		`22: engine "aurora" is none of aurora-mysql, aurora-postgresql, mysql, postgres`,
		`24: identifier "Orders-1" is not of letters in lower case, digits and single hyphens`,
		`24: no cluster "order", did you mean "orders"?`,
		`25: port is 70000, give 1 to 65535`,
		`25: address "here" is not HOST:PORT`,
		`27: 1000 shards of 0 nodes are none of ElastiCache's`,
		`28: engine "" is none of memcached, redis, valkey`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadWorldUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"defalt":         `no world "defalt", did you mean "default"?`,
		"no/such.yaml":   `open no/such.yaml: no such file or directory`,
		"seed2-tag-onli": `no world "seed2-tag-onli", did you mean "seed2-tag-only"?`,
	} {
		if _, err := LoadWorld(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A file that has nothing in it, or something in itself, is faulty and no more.
func TestWorldOddFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                              `w.yaml: account "" is not twelve digits`,
		"# nothing\n":                   `w.yaml: account "" is not twelve digits`,
		"endpoint: &a\n  x: [*a, *a]\n": "w.yaml:2: a document in itself",
	} {
		if _, err := parseWorld("w.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWorldUnknownKey(t *testing.T) {
	_, err := parseWorld("w.yaml", []byte("account: '111122223333'\nregion: eu-west-1\nlogin: {}\n"))
	if err == nil || !strings.HasPrefix(err.Error(), `w.yaml:3: unknown key "login", did you mean "logins"?`) {
		t.Error(err)
	}
}

// A policy written as YAML keeps its order and its text: dates stay text, too.
func TestPolicyTextFromYAML(t *testing.T) {
	w, err := parseWorld("w.yaml", []byte(`account: "111122223333"
region: eu-west-1
logins: {root: {as: root}}
policies:
  p:
    document:
      Version: 2012-10-17
      Statement:
        - Sid: One
          Effect: Allow
          Action: ["ssm:*"]
          Resource: "*"
          Condition: {Bool: {"aws:MultiFactorAuthPresent": true}, NumericLessThan: {"aws:MultiFactorAuthAge": 3600}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "One",
      "Effect": "Allow",
      "Action": [
        "ssm:*"
      ],
      "Resource": "*",
      "Condition": {
        "Bool": {
          "aws:MultiFactorAuthPresent": true
        },
        "NumericLessThan": {
          "aws:MultiFactorAuthAge": 3600
        }
      }
    }
  ]
}`
	if diff := cmp.Diff(want, string(w.Policies["p"].Document)); diff != "" {
		t.Error(diff)
	}
}
