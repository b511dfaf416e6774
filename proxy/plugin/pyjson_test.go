package plugin

import (
	"os/exec"
	"strings"
	"testing"

	"ssmguard/proxy"
)

// quotes holds strings with what Python 3's json.dumps makes of them.
var quotes = map[string]string{
	"":               `""`,
	"plain":          `"plain"`,
	"é":              `"\u00e9"`,
	"日本":             `"\u65e5\u672c"`,
	"😀":              `"\ud83d\ude00"`,
	"a/b<c>&d":       `"a/b<c>&d"`,
	"\x7f":           `"\u007f"`,
	"\x80":           `"\udc80"`,
	"a\xffb":         `"a\udcffb"`,
	"\"\\\b\f\n\r\t": `"\"\\\b\f\n\r\t"`,
	"\x00\x1f":       `"\u0000\u001f"`,
	"\u2028":         `"\u2028"`,
	"\ufffd":         `"\ufffd"`,
}

func TestQuote(t *testing.T) {
	for in, want := range quotes {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzQuote compares with Python itself where there is one.
func FuzzQuote(f *testing.F) {
	python, err := exec.LookPath("python3")
	if err != nil {
		f.Skip("no python3 to compare with")
	}
	for in := range quotes {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if strings.ContainsRune(in, 0) {
			t.Skip("no argument holds NUL")
		}
		cmd := exec.Command(python, "-X", "utf8", "-c", "import json,sys; sys.stdout.write(json.dumps(sys.argv[1]))", in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := quote(in); got != string(out) {
			t.Errorf("quote(%q) = %s, Python says %s", in, got, out)
		}
	})
}

func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		spec proxy.Spec
		want string
	}{
		{proxy.Spec{Target: "i-1"}, `{"Target": "i-1"}`},
		{proxy.Spec{Target: "i-1", Document: "D", Reason: "grüße", Parameters: map[string][]string{"b": {"2", "3"}, "a": {"1"}, "c": nil}},
			`{"Target": "i-1", "DocumentName": "D", "Reason": "gr\u00fc\u00dfe", "Parameters": {"a": ["1"], "b": ["2", "3"], "c": []}}`},
		{proxy.Spec{Target: "i-1", Request: `{"as": "written"}`}, `{"as": "written"}`},
	} {
		if got := request(tc.spec); got != tc.want {
			t.Errorf("request(%+v) = %s, want %s", tc.spec, got, tc.want)
		}
	}
}

func TestResponse(t *testing.T) {
	got := response(&proxy.Session{ID: "ann-1", Token: proxy.NewSecret("AAEAAToken+/=="), StreamURL: proxy.NewSecret("wss://h/v1?role=publish_subscribe")})
	want := `{"SessionId": "ann-1", "TokenValue": "AAEAAToken+/==", "StreamUrl": "wss://h/v1?role=publish_subscribe"}`
	if got != want {
		t.Errorf("response %s, want %s", got, want)
	}
}

func TestPythonList(t *testing.T) {
	for want, args := range map[string][]string{
		`['session-manager-plugin', '', '{"a": "b"}']`: {"session-manager-plugin", "", `{"a": "b"}`},
		`["it's", 'say "it\'s"', 'back\\slash\n']`:     {"it's", `say "it's"`, "back\\slash\n"},
	} {
		if got := pythonList(args); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestTakesVariable(t *testing.T) {
	for version, want := range map[string]bool{
		"1.2.497.0": false, "1.2.497.1": true, "1.2.498.0\n": true, "1.2.707.0\r\n": true, "1.2.30.0": false, "1.3": true, "2": true, "1": false,
		"1.1.999.9": false, "v1.2.707.0": false, "1.2.707.0.0": false, "": false, "1.2.7 07.0": true, "1.2.x.0": false,
	} {
		if got := takesVariable(version); got != want {
			t.Errorf("takesVariable(%q) = %v", version, got)
		}
	}
}
