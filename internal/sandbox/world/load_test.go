package world

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorldsLoad(t *testing.T) {
	worlds, err := Shipped()
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

func TestLoadReportsEveryFaultWithItsLine(t *testing.T) {
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
	_, err := Load(file)
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
		`22: engine "aurora" is none of aurora-mysql, aurora-postgresql, docdb, mysql, neptune, postgres`,
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

// Names are written into a file that the AWS CLI reads, where a line of its own could
// name a program to run.
func TestNamesHaveIAMsForm(t *testing.T) {
	const world = "account: '111122223333'\nregion: eu-west-1\nusers: {ann: {}}\nroles: {dev: {}}\nlogins: {ann: {as: user/ann}}\n"
	for old, key := range map[string]string{"logins: {ann:": "logins: {%s:", "roles: {dev:": "roles: {%s:"} {
		for name, ok := range map[string]bool{"'a.n-n_1@example.com,=+'": true, `"x]\ncredential_process = no"`: false, `"x\ry"`: false, "'[x]'": false, "'x y'": false, "'#x'": false, "''": false} {
			_, err := parse("w.yaml", []byte(strings.Replace(world, old, fmt.Sprintf(key, name), 1)))
			if ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "has other characters than letters") {
				t.Errorf("%s %s: %v", old, name, err)
			}
		}
	}
}

func TestLoadUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"defalt":         `no world "defalt", did you mean "default"?`,
		"no/such.yaml":   `open no/such.yaml: no such file or directory`,
		"seed2-tag-onli": `no world "seed2-tag-onli", did you mean "seed2-tag-only"?`,
	} {
		if _, err := Load(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A file that has nothing in it, or something in itself, is faulty and no more.
func TestWorldOddFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                              `w.yaml: account "" is not twelve digits`,
		"# nothing\n":                   `w.yaml: account "" is not twelve digits`,
		"endpoint: &a\n  x: [*a, *a]\n": "w.yaml:2: endpoint: a document in itself",
	} {
		if _, err := parse("w.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Unknown keys are reported in named things, too. A field of World that files do not
// have is not a key.
func TestWorldUnknownKey(t *testing.T) {
	for text, want := range map[string]string{
		"login: {}":                               `unknown key "login", did you mean "logins"?`,
		"users: {ann: {grups: [a]}}":              `unknown key "grups", did you mean "groups"?`,
		"policies: {p: {documents: {}}}":          `unknown key "documents", did you mean "document"?`,
		"rds: {clusters: {a: {adress: x}}}":       `unknown key "adress", did you mean "address"?`,
		"databases: []":                           `unknown key "databases"; valid: `,
		"logins: {a: {as: root, accesskeyid: x}}": `unknown key "accesskeyid"; valid: as, expired, mfa, policies, provider, session, tags, temporary`,
	} {
		_, err := parse("w.yaml", []byte("account: '111122223333'\nregion: eu-west-1\n"+text+"\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "w.yaml:3: "+want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Defaults are filled in, and named things are sorted by name.
func TestFileMeans(t *testing.T) {
	got, err := parse("w.yaml", []byte(`account: "111122223333"
region: cn-north-1
partition: aws-cn
delay: 40ms
clock: -1h
endpoint: "{}"
faults: [{operation: "*", delay: 2s}]
policies: {all: {aws: true, document: "{}"}}
users:
  bob:
  ann: {path: /team/, inline: {mine: "{}", FullAWSAccess: "{}"}}
roles: {dev: {trust: [user/ann, user/bob, role/dev, user/none, "*"]}}
logins: {root: {as: root, policies: [{a: b}]}}
instances: [{id: i-0123456789abcdef0}, {id: i-0123456789abcdef1, ping: none, agent: "2.0", unpaced: true}]
tasks: [{cluster: c, id: t, containers: {b: "2", a: "1"}}]
documents: {D: {content: "{}"}}
rds: {instances: {a: {cluster: b, greeting: hi}}, clusters: {b: {engine: mysql}}, proxies: {c: {engine: MYSQL}}}
elasticache: {serverless: {s: {engine: valkey}}, clusters: {p: {engine: memcached}}, groups: {g: {engine: redis}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := World{
		Account: "111122223333", Region: "cn-north-1", Partition: "aws-cn", Delay: 40 * time.Millisecond, Clock: -time.Hour,
		Endpoint: &Policy{Name: "endpoint", Document: "{}"},
		Faults:   []Fault{{Operation: "*", Delay: 2 * time.Second}},
		Policies: []Policy{{Name: "all", AWS: true, Document: "{}"}},
		Users: []User{
			{Principal: Principal{Name: "ann", Path: "/team/", Inline: []Policy{{Name: "FullAWSAccess", AWS: true, Document: "{}"}, {Name: "mine", Document: "{}"}}}},
			{Principal: Principal{Name: "bob"}},
		},
		Roles: []Role{{Principal: Principal{Name: "dev"}, Trust: []string{
			"arn:aws-cn:iam::111122223333:user/team/ann", "arn:aws-cn:iam::111122223333:user/bob", "arn:aws-cn:iam::111122223333:role/dev", "user/none", "*",
		}}},
		Logins:    []Login{{Name: "root", Principal: "root", Policies: []string{"{\n  \"a\": \"b\"\n}"}}},
		Nodes:     []Node{{ID: "i-0123456789abcdef0", Ping: "Online", Agent: "3.3.4851.0"}, {ID: "i-0123456789abcdef1", Agent: "2.0", Unpaced: true}},
		Tasks:     []Task{{Cluster: "c", ID: "t", Containers: []Container{{"a", "1"}, {"b", "2"}}}},
		Documents: []Document{{Name: "D", Content: "{}"}},
		Databases: []Database{
			{Kind: DBCluster, Name: "b", Engine: "mysql"},
			{Kind: DBInstance, Name: "a", Cluster: "b", Service: Service{Greeting: "hi"}},
			{Kind: DBProxy, Name: "c", Engine: "MYSQL"},
		},
		Caches: []Cache{
			{Kind: CacheGroup, Name: "g", Engine: "redis"}, {Kind: CacheCluster, Name: "p", Engine: "memcached"}, {Kind: CacheServerless, Name: "s", Engine: "valkey"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A policy written as YAML keeps its order and its text: dates stay text, too.
func TestPolicyTextFromYAML(t *testing.T) {
	w, err := parse("w.yaml", []byte(`account: "111122223333"
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
	if diff := cmp.Diff(want, w.Policies.Named("p").Document); diff != "" {
		t.Error(diff)
	}
}
