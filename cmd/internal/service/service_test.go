package service

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile is a service whose paths and variables have all that either file takes for its own.
func hostile(program string) Service {
	return Service{Tunnel: "orders--2", Program: program, Dir: `/srv/a "b" %h\c & <d> $HOME`, Home: "/home/ann", Config: "/home/ann/.config", User: "1000",
		Variables: []string{`AWS_PROFILE=it's "%i" $HOME \n & <x> ü`, "PATH=/usr/bin:/opt/my tools"}}
}

func TestUnit(t *testing.T) {
	s := Service{Tunnel: "orders", Program: "/usr/bin/ssmguard", Variables: []string{"AWS_PROFILE=dev"}, Config: "/home/ann/.config"}
	want := `# Written by: ssmguard tunnel service install
[Unit]
Description=ssmguard tunnel orders

[Service]
ExecStart="/usr/bin/ssmguard" tunnel up orders
Environment="AWS_PROFILE=dev"
Restart=on-failure
RestartSec=30
# A wrong command line or configuration is not mended by a restart.
RestartPreventExitStatus=252 253
# Ends by a signal are no failures.
SuccessExitStatus=130 143

[Install]
WantedBy=default.target
`
	if diff := cmp.Diff(want, unit(s)); diff != "" {
		t.Error(diff)
	}
	if file := systemd.file(s); file != filepath.FromSlash("/home/ann/.config/systemd/user/ssmguard-orders.service") {
		t.Error(file)
	}
}

// systemd itself finds nothing wrong with a unit, whatever is in its words.
func TestUnitBySystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, `a %h $HOME; b`, "ssmguard")
	if err := os.Mkdir(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		s    Service
		bad  string // what is put into the unit, so that a fault is known to be seen
		want string
	}{
		"plain":   {s: Service{Tunnel: "orders", Program: "/bin/true", Dir: "/"}},
		"hostile": {s: hostile(program)},
		"faulty":  {s: Service{Tunnel: "orders", Program: "/bin/true"}, bad: "Restart=sometimes\n", want: "sometimes"},
	} {
		file := filepath.Join(dir, unitName(test.s.Tunnel))
		text := strings.Replace(unit(test.s), "Restart=on-failure\n", "Restart=on-failure\n"+test.bad, 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(analyze, "verify", "--user", "--man=no", "--generators=no", file)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
			t.Fatal(err)
		}
		about := ""
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, unitName(test.s.Tunnel)) {
				about += line
			}
		}
		if test.want == "" && about != "" || !strings.Contains(about, test.want) {
			t.Errorf("%s: %s\n%s", name, out, text)
		}
	}
}

// value is one value of a property list.
type value struct {
	text string
	list []string
	dict map[string]value
	yes  string // true or false
}

// plist reads a property list as launchd does: keys and values in turns.
func plist(t *testing.T, d *xml.Decoder) (dict map[string]value) {
	t.Helper()
	dict = make(map[string]value)
	key := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return dict
		}
		if err != nil {
			t.Fatal(err)
		}
		if end, ok := token.(xml.EndElement); ok && end.Name.Local == "dict" {
			return dict
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		var text string
		switch start.Name.Local {
		case "key":
			if err := d.DecodeElement(&key, &start); err != nil {
				t.Fatal(err)
			}
		case "string", "integer":
			if err := d.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			dict[key] = value{text: text}
		case "array":
			var array struct {
				Strings []string `xml:"string"`
			}
			if err := d.DecodeElement(&array, &start); err != nil {
				t.Fatal(err)
			}
			dict[key] = value{list: array.Strings}
		case "dict":
			if key == "" { // the outermost
				continue
			}
			dict[key] = value{dict: plist(t, d)}
		case "true", "false":
			dict[key] = value{yes: start.Name.Local}
		case "plist":
		default:
			t.Errorf("unknown element %s", start.Name.Local)
		}
	}
}

// An agent has each word and variable as it is.
func TestAgent(t *testing.T) {
	s := hostile("/opt/a \"b\" & <c>/ssmguard")
	text := agent(s)
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	got := plist(t, d)
	want := map[string]value{
		"Label":                {text: "ssmguard.tunnel.orders--2"},
		"ProgramArguments":     {list: []string{s.Program, "tunnel", "up", "orders--2"}},
		"WorkingDirectory":     {text: s.Dir},
		"EnvironmentVariables": {dict: map[string]value{"AWS_PROFILE": {text: `it's "%i" $HOME \n & <x> ü`}, "PATH": {text: "/usr/bin:/opt/my tools"}}},
		"StandardOutPath":      {text: filepath.FromSlash("/home/ann/Library/Logs/ssmguard.tunnel.orders--2.log")},
		"StandardErrorPath":    {text: filepath.FromSlash("/home/ann/Library/Logs/ssmguard.tunnel.orders--2.log")},
		"RunAtLoad":            {yes: "true"},
		"KeepAlive":            {dict: map[string]value{"SuccessfulExit": {yes: "false"}}},
		"ThrottleInterval":     {text: "60"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(value{})); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	if !strings.Contains(text, mark) {
		t.Error("nothing tells that the file is ours")
	}
}

// What systemd cannot start is not written.
func TestSystemdRefuses(t *testing.T) {
	for program, good := range map[string]bool{"/usr/bin/ssmguard": true, "/a b/%$;ssmguard": true, `/a"b/ssmguard`: false, `/a'b/ssmguard`: false, `/a\b/ssmguard`: false} {
		if err := systemd.refuses(Service{Program: program}); (err == nil) != good {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestManagerOf(t *testing.T) {
	for _, test := range []struct{ name, system, want string }{
		{"", "linux", "systemd"}, {"", "darwin", "launchd"}, {"launchd", "linux", "launchd"}, {"systemd", "windows", "systemd"}, {"", "windows", ""},
	} {
		m, err := managerOf(test.name, test.system)
		if m.name != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q on %s: %s, %v", test.name, test.system, m.name, err)
		}
	}
}

func TestChecked(t *testing.T) {
	for text, good := range map[string]bool{"/a b/ü%$": true, "a\nb": false, "a\x00": false, "\x7f": false} {
		if err := checked("it", text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
