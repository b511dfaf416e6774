package env

import "testing"

func TestLookupIn(t *testing.T) {
	tests := []struct {
		system  string
		environ []string
		name    string
		want    string
		found   bool
	}{
		{"linux", []string{"PATH=/bin", "HOME=/root"}, "PATH", "/bin", true},
		{"linux", []string{"Path=/bin"}, "PATH", "", false},
		{"linux", []string{"USERPROFILE=/up"}, "HOME", "", false},
		{"linux", []string{"A="}, "A", "", true},
		{"linux", []string{"A=b=c"}, "A", "b=c", true},
		{"windows", []string{`=C:=C:\x`, `Path=C:\bin`}, "PATH", `C:\bin`, true},
		{"windows", []string{"HOME=/c/Users/me", `UserProfile=C:\Users\me`}, "HOME", `C:\Users\me`, true},
		{"windows", []string{`HOMEPATH=\Users\me`, "HOMEDRIVE=C:"}, "HOME", `C:\Users\me`, true},
		{"windows", []string{"HOME=/c/Users/me"}, "HOME", "/c/Users/me", true},
		{"windows", nil, "HOME", "", false},
	}
	for _, tt := range tests {
		got, found := lookupIn(tt.system, tt.environ, tt.name)
		if got != tt.want || found != tt.found {
			t.Errorf("%s %q %s: %q, %v; want %q, %v", tt.system, tt.environ, tt.name, got, found, tt.want, tt.found)
		}
	}
}

func TestHomeOfUser(t *testing.T) {
	if got := homeOfUser([]string{"HOME="}); got != "" {
		t.Errorf("an empty HOME is a HOME: %q", got)
	}
	p := &Process{home: "/home/me"}
	if got := p.Getenv("HOME"); got != "/home/me" {
		t.Errorf("without HOME: %q", got)
	}
	p.Environ = []string{"HOME=/elsewhere"}
	if got := p.Getenv("HOME"); got != "/elsewhere" {
		t.Errorf("with HOME: %q", got)
	}
}
