package database

import (
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

func TestSocketForms(t *testing.T) {
	for _, test := range []struct {
		name string
		Access
		want, hint, err string // of the error, the beginning
	}{
		{"psql", Access{Socket: "/run/db/.s.PGSQL.5433", User: "app", Database: "shop", Format: "psql"},
			"unset PGHOSTADDR\nexport PGHOST=/run/db\nexport PGPORT=5433\nexport PGUSER=app\nexport PGDATABASE=shop\n", "PostgreSQL's clients use no TLS through a socket", ""},
		{"psql, another name", Access{Socket: "/run/db.sock", Format: "psql"}, "", "",
			"PostgreSQL's clients find a socket only by a name such as .s.PGSQL.5432; give the tunnel --listen unix:/run/.s.PGSQL.5432"},
		{"psql, no port", Access{Socket: "/run/.s.PGSQL.db", Format: "psql"}, "", "", "PostgreSQL's clients find"},
		{"mysql", Access{Socket: "/run/my \"db\".sock", User: "app", Database: "shop", Engine: Of(Facts{AWS: "aurora-mysql"}), Called: "aurora-mysql", Format: "mysql"},
			"[client]\nprotocol=socket\nsocket=\"/run/my \\\"db\\\".sock\"\nuser=\"app\"\n[mysql]\ndatabase=\"shop\"\n", "", ""},
		{"redis", Access{Socket: "/run/a b.sock", Engine: Of(Facts{AWS: "valkey"}), Called: "valkey", Format: "url"}, "unix:///run/a%20b.sock\n", "redis-cli takes it as redis-cli -s /run/a b.sock", ""},
		{"redis with TLS", Access{Socket: "/run/c.sock", Real: "c.example.com", User: "app", Engine: Of(Facts{AWS: "redis"}), Called: "redis", TLS: true, Format: "url"},
			"unix://app@/run/c.sock\n", "the cache speaks TLS, and URLs of sockets have none; redis-cli has it: redis-cli -s /run/c.sock --tls --sni c.example.com", ""},
		{"another URL", Access{Socket: "/run/c.sock", Engine: Of(Facts{AWS: "sqlserver-ex"}), Called: "sqlserver-ex", Format: "url"}, "", "", "URLs of sqlserver-ex name no socket; give the tunnel a port"},
		{"token", Access{Socket: "/run/db/.s.PGSQL.5433", User: "app", Password: "token", Format: "psql"}, "", "", "a token is sent over TLS only, and clients use none through a socket"},
		{"control character", Access{Socket: "/run/a\nb/.s.PGSQL.5433", Format: "psql"}, "", "", "the socket has the control character U+000A"},
	} {
		got, err := test.Text()
		if got != test.want || (err == nil) != (test.err == "") || err != nil && (!strings.HasPrefix(err.Error(), test.err) || exit.Code(err) != exit.Usage) {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
		if hint := test.Access.Hint(); err == nil && (!strings.HasPrefix(hint, test.hint) || (hint == "") != (test.hint == "")) {
			t.Errorf("%s: hint %q", test.name, hint)
		}
	}
}
