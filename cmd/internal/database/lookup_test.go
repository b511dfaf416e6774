package database

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/proxy/awsdb"
)

func refusal(action, resource, why string) error {
	return fmt.Errorf("operation error RDS: X, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: rds:%s on resource: arn:aws:rds:eu-west-1:111122223333:%s %s", action, resource, why)
}

// A fix is offered where an identity-based policy can give it.
func TestLookupErrors(t *testing.T) {
	conf := configs.Tunnel{RDS: "orders"}
	for _, test := range []struct {
		name string
		conf configs.Tunnel
		err  error
		code int
		want string
	}{
		{"orders", conf, &awsdb.NotFoundError{Name: "orders", Region: "eu-west-1", Refused: []error{refusal("DescribeDBClusters", "cluster:orders", "with an explicit deny in a service control policy")}}, exit.Refused,
			`denied: role/dev may not look up "orders"
  no    forbidden: rds:DescribeDBClusters on arn:aws:rds:eu-west-1:111122223333:cluster:orders: an explicit deny in its service control policy
  fix   give --host and --port, or host and port in place of rds in its file`},
		{"orders", conf, &awsdb.NotFoundError{Name: "orders", Region: "eu-west-1", Refused: []error{refusal("DescribeDBClusters", "cluster:orders", "because no permissions boundary allows the rds:DescribeDBClusters action")}}, exit.Refused,
			`denied: role/dev may not look up "orders"
  no    not granted: rds:DescribeDBClusters on arn:aws:rds:eu-west-1:111122223333:cluster:orders: no permissions boundary allows it
  fix   give --host and --port, or host and port in place of rds in its file`},
		{"ordrs", configs.Tunnel{RDS: "ordrs"}, &awsdb.NotFoundError{Name: "ordrs", Region: "eu-west-1", Kinds: []string{"DB cluster", "DB instance"}, Known: []string{"orders"},
			Refused: []error{refusal("DescribeDBProxies", "db-proxy:*", "because no identity-based policy allows the rds:DescribeDBProxies action")}}, exit.Refused,
			`no DB cluster or DB instance "ordrs" in eu-west-1, did you mean "orders"?
  note  the rest: role/dev may not look there
  no    not granted: rds:DescribeDBProxies on arn:aws:rds:eu-west-1:111122223333:db-proxy:*: no identity-based policy allows it
  fix   add to role/dev:
        {
          "Effect": "Allow",
          "Action": ["rds:DescribeDBProxies"],
          "Resource": ["arn:aws:rds:eu-west-1:111122223333:db-proxy:*"]
        }
  or    give --host and --port, or host and port in place of rds in its file`},
		{"orders", conf, &awsdb.NotFoundError{Name: "orders", Region: "eu-west-1", Refused: []error{errors.New("AccessDenied: User: arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/dave is not authorized to perform: rds:DescribeDBClusters because no identity-based policy allows the rds:DescribeDBClusters action")}}, exit.Refused,
			`denied: role/AWSReservedSSO_Dev_0123456789abcdef may not look up "orders"
  no    not granted: rds:DescribeDBClusters: no identity-based policy allows it
  fix   add to permission set "Dev":
        {
          "Effect": "Allow",
          "Action": ["rds:DescribeDBClusters"],
          "Resource": ["*"]
        }
  or    give --host and --port, or host and port in place of rds in its file`},
		{"x", configs.Tunnel{ElastiCache: "x"}, &awsdb.NotFoundError{Name: "x", Region: "eu-west-1", Refused: []error{errors.New("api error AccessDenied: Access Denied")}}, exit.Refused,
			`denied: this caller may not look up "x"
  no    not granted: AccessDenied: no policy allows it
  fix   give --host and --port, or host and port in place of elasticache in its file`},
		{"orders", conf, &awsdb.NotFoundError{Name: "orders", Region: "eu-west-1", Kinds: []string{"DB cluster"}, Known: []string{"web", "app", "app"}}, exit.Usage, `no DB cluster "orders" in eu-west-1, there are: app, web`},
		{"orders", conf, &awsdb.NotFoundError{Name: "orders", Region: "eu-west-1", Kinds: []string{"DB cluster"}, Known: strings.Fields("k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11")}, exit.Usage, `no DB cluster "orders" in eu-west-1`},
		{"orders", conf, io.ErrUnexpectedEOF, exit.Other, "looking up orders: unexpected EOF"},
	} {
		err := LookupError(test.err, test.conf, test.name)
		if diff := cmp.Diff(test.want, err.Error()); diff != "" || exit.Code(err) != test.code {
			t.Errorf("code %d, want %d:\n%s", exit.Code(err), test.code, diff)
		}
	}
}

func TestFormatsOfEngines(t *testing.T) {
	here := Access{Host: "127.0.0.1", Port: "15432", Real: "db.example.com", User: "app", Database: "shop", Password: "db/?A=b&c%2F"}
	for _, test := range []struct {
		engine, format string
		password       bool
		want           string
	}{
		{"aurora-postgresql", "url", true, "postgresql://app:db%2F%3FA=b&c%252F@127.0.0.1:15432/shop?sslmode=require\n"},
		{"mariadb", "url", false, "mysql://app@127.0.0.1:15432/shop\n"},
		{"sqlserver-ex", "url", false, "sqlserver://app@127.0.0.1:15432?database=shop\n"},
		{"oracle-ee", "url", false, "oracle://app@127.0.0.1:15432/shop\n"},
		{"mysql", "mysql", true, `[client]
protocol=tcp
host="127.0.0.1"
port="15432"
user="app"
loose-enable-cleartext-plugin
loose-ssl-mode=REQUIRED
[client-mariadb]
ssl-verify-server-cert=1
password="db/?A=b&c%2F"
[mysql]
password="db/?A=b&c%2F"
database="shop"
[mysqladmin]
password="db/?A=b&c%2F"
[mysqlbinlog]
password="db/?A=b&c%2F"
[mysqlcheck]
password="db/?A=b&c%2F"
[mysqldump]
password="db/?A=b&c%2F"
[mysqlimport]
password="db/?A=b&c%2F"
[mysqlpump]
password="db/?A=b&c%2F"
[mysqlsh]
password="db/?A=b&c%2F"
[mysqlshow]
password="db/?A=b&c%2F"
[mysqlslap]
password="db/?A=b&c%2F"
`},
		{"mysql", "mysql", false, "[client]\nprotocol=tcp\nhost=\"127.0.0.1\"\nport=\"15432\"\nuser=\"app\"\n[mysql]\ndatabase=\"shop\"\n"},
		{"", "psql", true, "export PGHOST=db.example.com\nexport PGHOSTADDR=127.0.0.1\nexport PGPORT=15432\nexport PGUSER=app\nexport PGDATABASE=shop\nexport PGSSLMODE=require\nexport PGSSL=require\nexport PGPASSWORD='db/?A=b&c%2F'\n"},
	} {
		a := here
		a.Engine, a.Called, a.Format = Of(Facts{AWS: test.engine}), test.engine, test.format
		if !test.password {
			a.Password = ""
		}
		got, err := a.Text()
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s as %s: %v %s", test.engine, test.format, err, diff)
		}
		if hint := formats[test.format].hint(a); !strings.Contains(hint, a.Real) || strings.Contains(hint, here.Password) {
			t.Errorf("%s as %s: hint %q", test.engine, test.format, hint)
		}
	}
}

// A token is in no form in which a client may send it without TLS.
func TestFormsThatKeepTokens(t *testing.T) {
	for _, test := range []struct {
		a    Access
		want string // "" if it is kept
	}{
		{Access{Format: "psql"}, ""},
		{Access{Format: "mysql", Engine: Of(Facts{AWS: "aurora-mysql"}), Called: "aurora-mysql"}, ""},
		{Access{Format: "url"}, "a token is sent over TLS only, and no URL makes every client of this server use TLS; give --engine"},
		{Access{Format: "url", Engine: Of(Facts{AWS: "postgres"}), Called: "postgres"}, ""},
		{Access{Format: "url", Engine: Of(Facts{AWS: "valkey"}), Called: "valkey", TLS: true}, ""},
		{Access{Format: "url", Engine: Of(Facts{AWS: "valkey"}), Called: "valkey"}, "a token is sent over TLS only, and no URL makes every client of valkey use TLS"},
		{Access{Format: "url", Engine: Of(Facts{AWS: "aurora-mysql"}), Called: "aurora-mysql"}, "a token is sent over TLS only, and no URL makes every client of aurora-mysql use TLS; give --format mysql"},
		{Access{Format: "url", Engine: Of(Facts{AWS: "mariadb"}), Called: "mariadb"}, "a token is sent over TLS only, and no URL makes every client of mariadb use TLS; give --format mysql"},
		{Access{Format: "url", Engine: Of(Facts{AWS: "sqlserver-ex"}), Called: "sqlserver-ex"}, "a token is sent over TLS only, and no URL makes every client of sqlserver-ex use TLS"},
		{Access{Format: "url", Engine: Of(Facts{AWS: "oracle-ee"}), Called: "oracle-ee"}, "a token is sent over TLS only, and no URL makes every client of oracle-ee use TLS"},
	} {
		got := ""
		if err := test.a.KeepsToken(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.a, got, test.want)
		}
	}
}

func TestFormatOfEngine(t *testing.T) {
	for _, test := range []struct{ engine, asked, want, err string }{
		{"aurora-mysql", "", "mysql", ""}, {"postgres", "", "psql", ""}, {"", "", "env", ""}, {"", "mysql", "mysql", ""}, {"valkey", "", "url", ""}, {"memcached", "url", "url", ""},
		{"postgres", "mysql", "", "--format mysql does not suit postgres; give --format psql, url, jdbc, dotenv, json or env"}, {"valkey", "psql", "", "--format psql does not suit valkey; give --format url, redis, dotenv, json or env"},
	} {
		got, err := Access{Engine: Of(Facts{AWS: test.engine}), Called: test.engine}.FormatFor(test.asked)
		if got != test.want || (err != nil) != (test.err != "") || err != nil && err.Error() != test.err {
			t.Errorf("%s, %q: %q, %v", test.engine, test.asked, got, err)
		}
	}
}
