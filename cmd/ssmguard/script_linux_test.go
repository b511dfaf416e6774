package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary our own program too: called ssmguard, or
// session-manager-plugin as the child that carries a session, it runs main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ssmguard":               main,
		"session-manager-plugin": main,
	})
}

// TestScripts runs every script of testdata/script as a user would type it.
// Beside testscript's own commands there are
//
//	sandbox WORLD [ARG...]  serve a world until the script ends, and use it
//	drive FILE CMD [ARG...] run a command under a pty as FILE says; see drive_test.go
//	code N CMD [ARG...]     run a command that must exit with N
//	listen NAME             hold a local port until the script ends; $NAME is its number
//	encode FORM FILE...     write files anew as utf16le, utf16be (with a mark), bom or crlf
//
// What the commands print has no words of Go in it.
func TestScripts(t *testing.T) {
	deadline, _ := t.Deadline()
	testscript.RunT(reading{t}, testscript.Params{
		Deadline:           deadline,
		Dir:                filepath.Join("testdata", "script"),
		UpdateScripts:      os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames: true,
		Setup:              quietEnvironment,
		Condition: func(name string) (bool, error) {
			if name != "ipv6" {
				return false, fmt.Errorf("no condition %s", name)
			}
			l, err := net.Listen("tcp", "[::1]:0")
			if err == nil {
				l.Close()
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox": sandbox,
			"drive":   drive,
			"code":    code,
			"listen":  listen,
			"encode":  encode,
		},
	})
}

// reading is a test that reads all that its scripts' commands print.
type reading struct{ *testing.T }

// Run implements testscript.T.
func (r reading) Run(name string, script func(testscript.T)) {
	r.T.Run(name, func(t *testing.T) { script(reading{t}) })
}

// Verbose has testscript keep the text of commands that succeed, too.
func (reading) Verbose() bool { return true }

// goWords are what Go's own packages call connections, deadlines, values, faults of formats, and
// the system calls for files and programs that stand before their names. Nobody who uses a program
// has to know them.
var goWords = regexp.MustCompile(`(^|[:(=] ?)((f|l|new)?stat(at)?|open(at)?|read(link|dirent)?|write|mkdir(at|temp)?|createtemp|remove|unlink(at)?|rename|sym?link|chmod|chdir|getwd|fork/exec) \S+: |exec: "|executable file not found|` +
	`(read|write|dial) (tcp|udp|unix)\b|context deadline|context canceled|map\[[a-z]|%!|cannot unmarshal|\b(configs|yaml|json)\.[A-Z]|<nil>|0x[0-9a-f]{9}`)

// Log looks at a script's text. It shows it if the script has failed, or to who wants all.
func (r reading) Log(args ...any) {
	r.Helper()
	text := fmt.Sprint(args...)
	if r.Failed() || testing.Verbose() || strings.Contains(text, "FAIL: ") {
		r.T.Log(text)
	}
	printed := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "[stdout]"), strings.HasPrefix(line, "[stderr]"):
			printed = true
		case strings.HasPrefix(line, "> "), strings.HasPrefix(line, "# "), strings.HasPrefix(line, "["):
			printed = false
		case printed && goWords.MatchString(line):
			r.Errorf("printed: %s", line)
		}
	}
}

// quietEnvironment gives a script a home of its own and keeps the SDK from
// asking the machine's metadata service.
func quietEnvironment(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	watchRaces(env)
	env.Setenv("HOME", home)
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Setenv("TERM", "xterm")
	env.Setenv("NO_COLOR", "1")
	return nil
}

// code runs a command and fails the script unless it exits with the given code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N CMD [ARG...]")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// listen holds a local port.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listen NAME")
	}
	l, err := net.Listen("tcp", "localhost:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// TestWordsOfGoAreNoticed: what Go's packages say of files, programs and connections is noticed, and
// sentences of ours are not.
func TestWordsOfGoAreNoticed(t *testing.T) {
	for line, noticed := range map[string]bool{
		"ssmguard: open none.json: no such file or directory":              true,
		"ssmguard: --ca: stat a.pem: permission denied":                    true,
		"ssmguard: fork/exec /bin/x: exec format error":                    true,
		"stat d/x: not a directory":                                        true,
		`ssmguard: exec: "psql": executable file not found in $PATH`:       true,
		"ssmguard: read tcp 127.0.0.1:1->127.0.0.1:2: connection reset":    true,
		"ssmguard: none.json: no such file or directory":                   false,
		"ssmguard: orders: open in ~/shop: it stays":                       false,
		"ssmguard: a.json cannot be opened: permission denied":             false,
		"ssmguard: the connection to 192.0.2.1:443 was refused":            false,
		"ssmguard: remove the Deny, if its owner agrees: it looks planned": false,
	} {
		if goWords.MatchString(line) != noticed {
			t.Errorf("%s: noticed %t", line, !noticed)
		}
	}
}
