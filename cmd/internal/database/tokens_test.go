package database

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tokenClients are programs that read a form with a token. Their scripts find its text
// in the file $FORM. .ci/tunnel-tokens installs them.
var tokenClients = []struct {
	name, format, engine string
	has                  string // a script that succeeds where the client is installed
	run                  string
}{
	{"psql", "psql", "postgres", `psql --version`, `. "$FORM"; exec psql -w -c "select 1"`},
	{"pg_dump", "psql", "postgres", `pg_dump --version`, `. "$FORM"; exec pg_dump -w`},
	{"psycopg2", "psql", "postgres", python("import psycopg2"), `. "$FORM"; ` + python(`psycopg2.connect("")`, "psycopg2")},
	{"asyncpg", "psql", "postgres", python("import asyncpg"), `. "$FORM"; ` + python(`asyncio.run(asyncpg.connect(timeout=30))`, "asyncio", "asyncpg")},
	{"pg", "psql", "postgres", node("pg"), `. "$FORM"; ` + node("pg", `new m.Client().connect().catch(failed)`)},
	{"postgres.js", "psql", "postgres", node("postgres"), `. "$FORM"; ` + node("postgres", "m({connect_timeout: 10})`select 1`.catch(failed)")},

	{"psql", "url", "postgres", `psql --version`, `exec psql -w -c "select 1" "$(cat "$FORM")"`},
	{"asyncpg", "url", "postgres", python("import asyncpg"), python(`asyncio.run(asyncpg.connect(form, timeout=30))`, "asyncio", "asyncpg")},
	{"pg", "url", "postgres", node("pg"), node("pg", `new m.Client(form).connect().catch(failed)`)},
	{"postgres.js", "url", "postgres", node("postgres"), node("postgres", "m(form, {connect_timeout: 10})`select 1`.catch(failed)")},

	{"redis-cli", "url", "valkey", `redis-cli --version`, `exec redis-cli -u "$(cat "$FORM")" ping`},
	{"redis-py", "url", "valkey", python("import redis"), python(`redis.Redis.from_url(form).ping()`, "redis")},
	{"ioredis", "url", "valkey", node("ioredis"), node("ioredis", `new m(form, {retryStrategy: null}).on("error", failed)`)},

	{"redis-cli", "redis", "valkey", `redis-cli --version`, `eval "$(cat "$FORM") ping"`},
	{"mariadb", "mariadb", "mysql", `mariadb --version`, `exec mariadb --defaults-file="$FORM" -e "select 1"`},
	{"mariadb-dump", "mariadb", "mysql", `mariadb-dump --version`, `exec mariadb-dump --defaults-file="$FORM" shop`},
	{"pg", "dotenv", "postgres", node("pg"), `set -a; . "$FORM"; ` + node("pg", `new m.Client(process.env.DATABASE_URL).connect().catch(failed)`)},
	{"psycopg2", "dotenv", "postgres", python("import psycopg2"), `set -a; . "$FORM"; ` + python(`psycopg2.connect("")`, "psycopg2")},
	{"mariadb", "mysql", "mysql", `mariadb --version`, `exec mariadb --defaults-file="$FORM" -e "select 1"`},
	{"mysqldump", "mysql", "mysql", `mysqldump --version`, `exec mysqldump --defaults-file="$FORM" shop`},
	{"mysqladmin", "mysql", "mysql", `mysqladmin --version`, `exec mysqladmin --defaults-file="$FORM" status`},
	{"PyMySQL", "mysql", "mysql", python("import pymysql"), python(`pymysql.connect(read_default_file=file)`, "pymysql")},
	{"PyMySQL with TLS", "mysql", "mysql", python("import pymysql"), python(`pymysql.connect(read_default_file=file, ssl={"ca": None})`, "pymysql")},
	{"mysqlclient", "mysql", "mysql", python("import MySQLdb"), python(`MySQLdb.connect(read_default_file=file)`, "MySQLdb")},
}

// python is a script of the system's Python, which has the system's modules.
func python(text string, imports ...string) string {
	if len(imports) > 0 {
		text = "import os, " + strings.Join(imports, ", ") + `; file = os.environ["FORM"]; form = open(file).read().strip(); ` + text
	}
	return "exec /usr/bin/python3 -c '" + text + "'"
}

// node is a script of Node with a module, which NODE_PATH leads to.
func node(module string, text ...string) string {
	return `exec node -e '
const m = require("` + module + `"), form = require("fs").readFileSync(process.env.FORM || "/dev/null", "utf8").trim()
const failed = e => { console.error(e.message); process.exit(1) }
` + strings.Join(text, "\n") + `'`
}

// No client sends a token to a server without TLS, whichever form it reads. Each sends
// it by a form that asks for no TLS, so that the server is seen to see it.
func TestClientsSendNoTokenWithoutTLS(t *testing.T) {
	const signature = "0123456789abcdef" // of the token, however the rest of it is encoded
	for _, c := range tokenClients {
		t.Run(c.format+"/"+c.name, func(t *testing.T) {
			if exec.Command("sh", "-c", c.has).Run() != nil {
				t.Skip("it is not installed")
			}
			for _, careless := range []bool{true, false} {
				s := serveInClear(t, c.engine)
				a := Access{
					Host: "127.0.0.1", Port: s.port, Real: "127.0.0.1", User: "app", Database: "shop", TLS: true,
					Password: "db.example.com:3306/?Action=connect&X-Amz-Signature=" + signature, Engine: Of(Facts{AWS: c.engine}), Called: c.engine, Format: c.format,
				}
				if err := a.KeepsToken(); err != nil {
					t.Fatal(err)
				}
				text, err := a.Text()
				if err != nil {
					t.Fatal(err)
				}
				if careless {
					text = withoutTLS(text)
				}
				said := runClient(t, c.run, text)
				got := s.close()
				switch sent := bytes.Contains(got, []byte(signature)); {
				case sent && !careless:
					t.Errorf("it sent the token: %q; it says %s", got, said)
				case !sent && careless:
					t.Errorf("the server without TLS sees no token that is sent: %q; the client says %s", got, said)
				}
			}
		})
	}
}

// withoutTLS makes a form careless: what asks for TLS is gone, and the password is where
// every client looks for it.
func withoutTLS(text string) string {
	if strings.HasPrefix(text, "[client]") {
		text = regexp.MustCompile(`(?m)^(loose-ssl-mode|ssl-verify-server-cert).*\n`).ReplaceAllString(text, "")
		password := regexp.MustCompile(`(?m)^password=.*\n`).FindString(text)
		return strings.Replace(text, "[client]\n", "[client]\nskip-ssl\n"+password, 1)
	}
	return strings.NewReplacer("--tls", "", "PGSSL=require", "PGSSL=", "require", "disable", "rediss:", "redis:").Replace(text)
}

// runClient runs a client on a form and returns what it says.
func runClient(t *testing.T, script, text string) string {
	t.Helper()
	home := t.TempDir()
	form := filepath.Join(home, "form")
	if err := os.WriteFile(form, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", script)
	c.Env = []string{"FORM=" + form, "HOME=" + home, "PATH=" + os.Getenv("PATH"), "NODE_PATH=" + os.Getenv("NODE_PATH")}
	out, _ := c.CombinedOutput() // redis-cli ends with success whatever the server says
	return string(out)
}

// clearServer is a server without TLS that asks for the password as it is, and keeps
// what it is sent.
type clearServer struct {
	port   string
	listen net.Listener
	served sync.WaitGroup

	mu  sync.Mutex
	got []byte
}

func serveInClear(t *testing.T, engine string) *clearServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &clearServer{listen: l}
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	speak := map[string]func(net.Conn) []byte{
		"postgres": greetAsPostgreSQL, "valkey": greetAsRedis,
		"mysql": func(conn net.Conn) []byte { clear, _ := greetAsMySQL(conn, nil); return clear },
	}[engine]
	s.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.served.Go(func() {
				defer conn.Close()
				got := speak(conn)
				s.mu.Lock()
				defer s.mu.Unlock()
				s.got = append(s.got, got...)
			})
		}
	})
	return s
}

// close ends the server, whose client has ended, and returns all that was sent to it.
func (s *clearServer) close() []byte {
	s.listen.Close()
	s.served.Wait()
	return slices.Clip(s.got)
}

// greetAsPostgreSQL refuses encryption and asks for the password in clear text
// (PostgreSQL's manual, "Message Formats").
func greetAsPostgreSQL(conn net.Conn) (got []byte) {
	const encryption, gssEncryption = 80877103, 80877104
	for {
		head := make([]byte, 8)
		if n, err := io.ReadFull(conn, head); err != nil {
			return append(got, head[:n]...)
		}
		rest := make([]byte, max(int(binary.BigEndian.Uint32(head))-len(head), 0))
		n, err := io.ReadFull(conn, rest)
		got = append(append(got, head...), rest[:n]...)
		if err != nil {
			return got
		}
		if code := binary.BigEndian.Uint32(head[4:]); code != encryption && code != gssEncryption {
			break
		}
		if _, err := conn.Write([]byte("N")); err != nil {
			return got
		}
	}
	if _, err := conn.Write([]byte("R\x00\x00\x00\x08\x00\x00\x00\x03")); err != nil {
		return got
	}
	password := make([]byte, 4096) // what the client sends in one piece
	n, err := conn.Read(password)
	if err == nil {
		_, _ = io.WriteString(conn, "E\x00\x00\x00\x17SFATAL\x00C28P01\x00Mno\x00\x00")
	}
	return append(got, password[:n]...)
}

// greetAsRedis refuses whatever it is asked until the client leaves.
func greetAsRedis(conn net.Conn) (got []byte) {
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if got = append(got, b[:n]...); err != nil {
			return got
		}
		if _, err := io.WriteString(conn, "-ERR no\r\n"); err != nil {
			return got
		}
	}
}
