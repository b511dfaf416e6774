package database

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

// TestEnginesOfFiles: what a file may name is what the table has.
func TestEnginesOfFiles(t *testing.T) {
	var names []string
	for _, e := range engines {
		names = append(names, e.Name)
	}
	if diff := cmp.Diff(configs.DatabaseEngines, names); diff != "" {
		t.Errorf("-configs +table:\n%s", diff)
	}
}

// TestTable: every engine is complete: it takes tokens or says why not, it is told by
// something, it has a form of its own that suits it, and nothing that tells it tells another.
func TestTable(t *testing.T) {
	told := make(map[string]string)
	for _, e := range engines {
		if (e.Token == NoToken) == (e.Without == "") || e.Refusal() != "" && !strings.HasPrefix(e.Refusal(), e.Title+" takes no IAM tokens: ") {
			t.Errorf("%s: token %q, without %q", e.Name, e.Token, e.Without)
		}
		if len(e.AWS)+len(e.Hosts)+len(e.Ports) == 0 || e.Title == "" || e.Family == "" {
			t.Errorf("%s is not complete: %+v", e.Name, e)
		}
		format, err := Access{Engine: e}.FormatFor("")
		if err != nil || format != "env" && !slices.Contains(suiting(e.Family), format) {
			t.Errorf("%s: its own form is %q, %v", e.Name, format, err)
		}
		for _, name := range slices.Concat(e.AWS, e.Hosts) {
			if other := told[name]; other != "" && other != e.Name {
				t.Errorf("%q tells %s and %s", name, other, e.Name)
			}
			told[name] = e.Name
		}
	}
}

func TestOf(t *testing.T) {
	for _, test := range []struct {
		facts Facts
		want  string
	}{
		{Facts{Port: 5432}, "postgres"}, {Facts{Port: 3306}, "mysql"}, {Facts{Port: 1433}, "sqlserver"}, {Facts{Port: 1521}, "oracle"},
		{Facts{Port: 27017}, "mongodb"}, {Facts{Port: 6379}, "redis"}, {Facts{Port: 5439}, "redshift"}, {Facts{Port: 9200}, "opensearch"},
		{Facts{Port: 8182}, "neptune"}, {Facts{Port: 9042}, "cassandra"}, {Facts{Port: 11211}, "memcached"}, {Facts{Port: 50000}, "db2"},
		{Facts{Port: 8080}, ""}, {Facts{}, ""},
		{Facts{AWS: "aurora-postgresql", Port: 3306}, "postgres"}, {Facts{AWS: "postgresql"}, "postgres"}, {Facts{AWS: "aurora"}, "mysql"},
		{Facts{AWS: "aurora-mysql"}, "mysql"}, {Facts{AWS: "mariadb", Port: 3306}, "mariadb"}, {Facts{AWS: "sqlserver-ex"}, "sqlserver"},
		{Facts{AWS: "custom-oracle-ee"}, "oracle"}, {Facts{AWS: "oracle-se2-cdb"}, "oracle"}, {Facts{AWS: "db2-ae"}, "db2"},
		{Facts{AWS: "docdb", Port: 27017}, "documentdb"}, {Facts{AWS: "neptune", Port: 8182}, "neptune"}, {Facts{AWS: "valkey", Port: 6379}, "valkey"},
		{Facts{AWS: "an engine of tomorrow", Port: 5432}, ""}, // AWS's word counts
		{Facts{Asked: "mariadb", AWS: "mysql", Port: 5432}, "mariadb"},
		{Facts{Host: "x.cluster-abc.eu-west-1.docdb.amazonaws.com", Port: 27017}, "documentdb"},
		{Facts{Host: "x.cluster-abc.eu-west-1.neptune.amazonaws.com", Port: 3306}, "neptune"},
		{Facts{Host: "abc.dsql.eu-west-1.on.aws", Port: 5432}, "dsql"}, {Facts{Host: "w.1.eu-west-1.redshift-serverless.amazonaws.com", Port: 5432}, "redshift"},
		{Facts{Host: "vpc-x.eu-west-1.es.amazonaws.com", Port: 443}, "opensearch"}, {Facts{Host: "cassandra.eu-west-1.amazonaws.com", Port: 9142}, "cassandra"},
		{Facts{Host: "db.es.example.com", Port: 3306}, "mysql"},
	} {
		if got := Of(test.facts).Name; got != test.want {
			t.Errorf("%+v: %q, want %q", test.facts, got, test.want)
		}
	}
}

// TestMembers: who leaves the tunnel is told where the form does not keep it there.
func TestMembers(t *testing.T) {
	for _, test := range []struct {
		engine, format string
		told           bool
	}{{"mongodb", "mongodb", false}, {"documentdb", "json", true}, {"cassandra", "env", true}, {"opensearch", "url", true}, {"postgres", "psql", false}, {"redis", "url", false}} {
		if got := (Access{Engine: Of(Facts{Asked: test.engine}), Format: test.format}).Members(); (got != "") != test.told {
			t.Errorf("%s as %s: %q", test.engine, test.format, got)
		}
	}
}

// TestForms has one access in every form of every engine, where the form suits it.
func TestForms(t *testing.T) {
	here := Access{Name: "my-db", Host: "127.0.0.1", Port: "15432", Real: "db.example.com", User: "app", Database: "shop"}
	for _, test := range []struct{ engine, format, want string }{
		{"", "env", "export SSMGUARD_MY_DB_HOST=127.0.0.1\nexport SSMGUARD_MY_DB_PORT=15432\nexport SSMGUARD_MY_DB_SERVER=db.example.com\n"},
		{"", "url", "tcp://127.0.0.1:15432\n"},
		{"dsql", "psql", "export PGHOST=db.example.com\nexport PGHOSTADDR=127.0.0.1\nexport PGPORT=15432\nexport PGUSER=app\nexport PGDATABASE=shop\nexport PGSSLMODE=require\n"},
		{"redshift", "jdbc", "jdbc:redshift://127.0.0.1:15432/shop?user=app\n"},
		{"postgres", "jdbc", "jdbc:postgresql://127.0.0.1:15432/shop?user=app\n"},
		{"mysql", "jdbc", "jdbc:mysql://127.0.0.1:15432/shop?user=app\n"},
		{"mariadb", "jdbc", "jdbc:mariadb://127.0.0.1:15432/shop?user=app\n"},
		{"sqlserver", "jdbc", "jdbc:sqlserver://127.0.0.1:15432;databaseName={shop};user={app};encrypt={true};hostNameInCertificate={db.example.com}\n"},
		{"oracle", "jdbc", "jdbc:oracle:thin:app@//127.0.0.1:15432/shop\n"},
		{"db2", "jdbc", "jdbc:db2://127.0.0.1:15432/shop:user=app;\n"},
		{"sqlserver", "sqlcmd", "export SQLCMDSERVER=tcp:127.0.0.1,15432\nexport SQLCMDUSER=app\nexport SQLCMDDBNAME=shop\n"},
		{"mariadb", "mariadb", "[client]\nprotocol=tcp\nhost=\"127.0.0.1\"\nport=\"15432\"\nuser=\"app\"\n[mysql]\ndatabase=\"shop\"\n"},
		{"documentdb", "mongodb", "mongodb://app@127.0.0.1:15432/shop?directConnection=true&tls=true&retryWrites=false\n"},
		{"mongodb", "url", "mongodb://app@127.0.0.1:15432/shop?directConnection=true\n"},
		{"neptune", "url", "https://127.0.0.1:15432\n"},
		{"opensearch", "dotenv", "DB_HOST='127.0.0.1'\nDB_PORT='15432'\nDB_USER='app'\nDB_NAME='shop'\nDB_SERVER_NAME='db.example.com'\n"},
		{"postgres", "dotenv", "PGHOST='127.0.0.1'\nPGPORT='15432'\nPGUSER='app'\nPGDATABASE='shop'\nDATABASE_URL='postgresql://app@127.0.0.1:15432/shop'\nDB_SERVER_NAME='db.example.com'\n"},
		{"redis", "redis", "redis-cli -h 127.0.0.1 -p 15432 --user app -n shop\n"},
		{"mysql", "json", `{"database":"shop","engine":"mysql","host":"127.0.0.1","password":"","port":"15432","server_name":"db.example.com","tls":"","url":"mysql://app@127.0.0.1:15432/shop","user":"app"}` + "\n"},
	} {
		a := here
		a.Engine = Of(Facts{Asked: test.engine})
		var err error
		if a.Format, err = a.FormatFor(test.format); err != nil {
			t.Errorf("%s as %s: %v", test.engine, test.format, err)
			continue
		}
		got, err := a.Text()
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s as %s: %v %s", test.engine, test.format, err, diff)
		}
	}
}

// TestFormsOfAll: whatever suits an engine can be written of it, is one flat object of texts
// as JSON, and has no password without --token.
func TestFormsOfAll(t *testing.T) {
	for _, e := range engines {
		for _, format := range suiting(e.Family) {
			a := Access{Name: "x", Host: "127.0.0.1", Port: "1", Real: "db.example.com", User: "app", Database: "d", Engine: e, Format: format}
			text, err := a.Text()
			if err != nil || !strings.Contains(text, "127.0.0.1") || strings.Contains(strings.ToLower(strings.ReplaceAll(text, `"password":""`, "")), "password") {
				t.Errorf("%s as %s: %q, %v", e.Name, format, text, err)
			}
			if format == "json" {
				var flat map[string]string
				if err := json.Unmarshal([]byte(text), &flat); err != nil || len(flat) != 9 {
					t.Errorf("%s: %v, %v", e.Name, flat, err)
				}
			}
		}
		for _, c := range clients {
			a := Access{Name: "x", Host: "127.0.0.1", Port: "1", Real: "db.example.com", User: "app", Engine: e}
			_, err := ClientOf(c.Name, e)
			if suits := slices.Contains(c.Families, e.Family); suits != (err == nil) || err != nil && exit.Code(err) != exit.Usage {
				t.Errorf("%s and %s: %v", c.Name, e.Name, err)
			} else if suits {
				if text, _, err := c.Text(a); err != nil || !strings.Contains(text, "127.0.0.1") {
					t.Errorf("%s for %s: %q, %v", c.Name, e.Name, text, err)
				}
			}
		}
	}
}

// TestStarts: a password is in no argument, wherever a program is started with one, and none
// is started with one that it may send without TLS.
func TestStarts(t *testing.T) {
	const token = "db.example.com:5432/?Action=connect&X-Amz-Signature=0123"
	for _, c := range clients {
		if c.start == nil {
			continue
		}
		for _, e := range engines {
			if !slices.Contains(c.Families, e.Family) {
				continue
			}
			a := Access{Host: "127.0.0.1", Port: "1", Real: "db.invalid", User: "app", Database: "d", Engine: e, Password: token, TLS: true}
			s, err := Found{Client: c}.Start(a)
			if keeps := formats[c.Format].tls(Access{Engine: e, Format: c.Format, TLS: true}); keeps != (err == nil) {
				t.Errorf("%s for %s: %v", c.Name, e.Name, err)
			}
			if strings.Contains(strings.Join(s.Args, " "), "0123") || strings.Contains(s.Note, "0123") {
				t.Errorf("%s for %s has the token in its arguments: %q", c.Name, e.Name, s.Args)
			}
			if err == nil && !strings.Contains(s.File+strings.Join(s.Environ, " "), token) {
				t.Errorf("%s for %s has no token: %+v", c.Name, e.Name, s)
			}
			a.Password = ""
			if s, err = (Found{Client: c}).Start(a); err != nil || strings.Contains(strings.Join(s.Environ, " "), "PGPASSWORD") {
				t.Errorf("%s for %s, without a token: %+v, %v", c.Name, e.Name, s, err)
			}
		}
	}
}

// TestClientVariables: programs of libpq get the server's name, which they verify; others
// get the local end, since they connect to the host that they are given.
func TestClientVariables(t *testing.T) {
	a := Access{Host: "127.0.0.1", Port: "15432", Real: "db.example.com", User: "app", Database: "shop", Engine: Of(Facts{Port: 5432})}
	for _, test := range []struct{ program, engine, want string }{
		{"psql", "postgres", "PGHOST=db.example.com PGHOSTADDR=127.0.0.1 PGPORT=15432 PGUSER=app PGDATABASE=shop"},
		{"/usr/bin/pg_dump", "postgres", "PGHOST=db.example.com PGHOSTADDR=127.0.0.1 PGPORT=15432 PGUSER=app PGDATABASE=shop"},
		{"node", "postgres", "PGHOST=127.0.0.1 PGHOSTADDR=127.0.0.1 PGPORT=15432 PGUSER=app PGDATABASE=shop"},
		{"psql", "dsql", "PGHOST=db.example.com PGHOSTADDR=127.0.0.1 PGPORT=15432 PGUSER=app PGDATABASE=shop PGSSLMODE=require"},
		{"mysql", "mysql", "MYSQL_HOST=127.0.0.1 MYSQL_TCP_PORT=15432"},
		{"x", "valkey", "REDIS_URL=redis://app@127.0.0.1:15432/shop"},
		{"x", "documentdb", "MONGODB_URI=mongodb://app@127.0.0.1:15432/shop?directConnection=true&tls=true&retryWrites=false"},
		{"x", "sqlserver", "SQLCMDSERVER=tcp:127.0.0.1,15432 SQLCMDUSER=app SQLCMDDBNAME=shop"},
		{"x", "opensearch", ""}, {"x", "", ""},
	} {
		b := a
		b.Engine = Of(Facts{Asked: test.engine})
		if got := strings.Join(b.ClientVariables(test.program), " "); got != test.want {
			t.Errorf("%s for %s: %s, want %s", test.program, test.engine, got, test.want)
		}
	}
	a.Database = "hostaddr=192.0.2.1"
	if got := a.ClientVariables("psql"); got != nil {
		t.Errorf("a database that is read as settings: %q", got)
	}
}

func TestVariableName(t *testing.T) {
	for name, want := range map[string]string{"orders": "ORDERS", "my-db.eu_1": "MY_DB_EU_1"} {
		if got := variableName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
