package database

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

// hostile are texts that mean something to a shell, to a reader of option files
// or in a URL.
var hostile = []string{
	"plain", "it's", `"`, `"quoted"`, `'quoted'`, `\`, `ends in \`, `\"`, `"\`, `\n`, `a\sb`, "`touch canary`", "$(touch canary)", "${HOME}", "$HOME", "a;touch canary", "a&b|c>canary",
	"a#b", " # c", `x" # y`, `x' # "y`, " around ", "a b", "a:b@c/d?e#f[g]", "%41", "%", "../../x", "/x", "//x", "-rf", "--", "!ls", "*", "~", "[client]", "Grüße 世界", "x]\"y", "a,b", "=", "a=b",
}

// controls have no place in any form.
var controls = []string{"a\nb", "a\rb", "a\x00b", "a\x1b[2Jb", "a\tb", "a\x7fb", "a\u009bb", "a\u2028b", "a\u202eb", "a\u2066b", "a\u200fb"}

// Every format returns the values that were put in, read by its own reader.
func TestFormatsQuote(t *testing.T) {
	for format, read := range map[string]func(*testing.T, string) map[string]string{"psql": readExports, "mysql": readOptions, "url": readURL} {
		for _, engine := range map[string][]string{"psql": {""}, "mysql": {"mysql"}, "url": {"postgres", "mysql", "valkey", "sqlserver-ex"}}[format] {
			for _, text := range hostile {
				want := map[string]string{"host": "127.0.0.1", "port": "15432", "user": text, "database": text, "password": text}
				a := Access{Host: "127.0.0.1", Port: "15432", Real: "db.example.com", User: text, Database: text, Password: text, Engine: Of(Facts{AWS: engine}), Called: engine, Format: format}
				got, err := a.Text()
				if format == "psql" && strings.Contains(text, "=") { // more than a database's name
					if err == nil {
						t.Errorf("%s %q:\n%s", format, text, got)
					}
					a.Database, want["database"] = "shop", "shop"
					got, err = a.Text()
				}
				if err != nil {
					t.Errorf("%s %q: %v", format, text, err)
					continue
				}
				if back := read(t, got); !maps.Equal(back, want) {
					t.Errorf("%s for %q, %q comes back as %q from\n%s", format, engine, text, back, got)
				}
			}
		}
	}
}

func TestFormatsRefuseControlCharacters(t *testing.T) {
	for _, format := range slices.Sorted(maps.Keys(formats)) {
		for _, text := range controls {
			for name, a := range map[string]Access{
				"user": {User: text}, "database": {Database: text}, "password": {Password: text}, "server's name": {Real: text}, "host": {Host: text}, "port": {Port: text},
			} {
				a.Format = format
				got, err := a.Text()
				if err == nil || got != "" || !strings.HasPrefix(err.Error(), "the "+name+" has the control character U+") || strings.Contains(err.Error(), text) || exit.Code(err) != exit.Usage {
					t.Errorf("%s of %s %q: %q, %v", name, format, text, got, err)
				}
			}
		}
	}
}

// A name that PostgreSQL's programs read as settings is not a database.
func TestDatabaseIsNoConnectionString(t *testing.T) {
	for _, database := range []string{"hostaddr=192.0.2.1 sslmode=disable", "postgres://192.0.2.1/x", "postgresql://192.0.2.1/x"} {
		if got, err := (Access{Format: "psql", Database: database}).Text(); err == nil || exit.Code(err) != exit.Usage {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// readExports has a shell run the lines.
func readExports(t *testing.T, text string) map[string]string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	names := map[string]string{"PGHOSTADDR": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "database", "PGPASSWORD": "password"}
	c := exec.Command(sh, "-c", text+`for v in "$PGHOSTADDR" "$PGPORT" "$PGUSER" "$PGDATABASE" "$PGPASSWORD"; do printf '%s\n' "$v"; done`)
	c.Dir, c.Env = t.TempDir(), []string{"HOME=/home/of/nobody", "PATH=" + os.Getenv("PATH")}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("something was run: %v, %v", left, err)
	}
	back, lines := map[string]string{}, strings.Split(string(out), "\n")
	for i, v := range []string{"PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"} {
		back[names[v]] = lines[i]
	}
	return back
}

// readOptions reads an option file by the rules of MySQL's manual ("Using Option
// Files"): a group in brackets, comments behind #, blanks around names and values
// left out, a value in quotes without them, the escapes \b \t \n \r \\ \s, and \"
// as its readers have it. Where MariaDB's own reader is installed, it has to agree.
func readOptions(t *testing.T, text string) map[string]string {
	t.Helper()
	back := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(withoutComment(line))
		name, value, ok := strings.Cut(line, "=")
		switch name {
		case "host", "port", "user", "password", "database":
			back[strings.TrimSpace(name)] = optionValue(strings.TrimSpace(value))
		case "protocol", "loose-ssl-mode", "loose-enable-cleartext-plugin", "ssl-verify-server-cert", "[client]", "[client-mariadb]":
		default:
			if program, ok := strings.CutPrefix(line, "["); ok && slices.Contains(mysqlPrograms, strings.TrimSuffix(program, "]")) {
				continue
			}
			t.Errorf("line %q, %v, is no option of ours", line, ok)
		}
	}
	if reader, err := exec.LookPath("my_print_defaults"); err == nil {
		file := filepath.Join(t.TempDir(), "my.cnf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(reader, "--defaults-file="+file, "client", "mysql").Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if want, ok := back[strings.TrimPrefix(name, "--")]; ok && value != want {
				t.Errorf("MariaDB reads %s as %q, we as %q", name, value, want)
			}
		}
	}
	return back
}

func withoutComment(line string) string {
	quote, escaped := rune(0), false
	for i, r := range line {
		switch {
		case escaped:
			escaped = false
			continue
		case quote != 0 && r == '\\':
			escaped = true
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0 && r == '#':
			return line[:i]
		}
	}
	return line
}

func optionValue(v string) string {
	if n := len(v); n > 1 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
		v = v[1 : n-1]
	}
	return regexp.MustCompile(`\\.`).ReplaceAllStringFunc(v, func(escape string) string {
		if plain, ok := map[string]string{`\b`: "\b", `\t`: "\t", `\n`: "\n", `\r`: "\r", `\s`: " ", `\\`: `\`, `\"`: `"`, `\'`: "'"}[escape]; ok {
			return plain
		}
		return escape
	})
}

// readURL takes a URL apart as RFC 3986 has it.
func readURL(t *testing.T, text string) map[string]string {
	t.Helper()
	m := regexp.MustCompile(`^[a-z]+://(?:([^/?#:@]*)(?::([^/?#@]*))?@)?([^/?#@:]+):([0-9]+)(?:/([^?#]*))?(?:\?([^#]*))?\n$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no URL: %q", text)
	}
	decoded := func(s string) string {
		return regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(s, func(hex string) string {
			n, err := strconv.ParseUint(hex[1:], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			return string([]byte{byte(n)})
		})
	}
	database := decoded(m[5])
	if query, ok := strings.CutPrefix(m[6], "database="); ok { // SQL Server's; a + is a blank in a query
		database = decoded(strings.ReplaceAll(query, "+", " "))
	}
	return map[string]string{"user": decoded(m[1]), "password": decoded(m[2]), "host": m[3], "port": m[4], "database": database}
}
