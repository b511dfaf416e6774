package env

import "testing"

func TestUnicode(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		environ  []string
		want     bool
	}{
		{true, []string{"LANG=en_US.UTF-8", "TERM=xterm"}, true},
		{true, []string{"LANG=C.utf8"}, true},
		{false, []string{"LANG=en_US.UTF-8"}, false},
		{true, []string{"LANG=en_US.UTF-8", "TERM=dumb"}, false},
		{true, []string{"LANG=en_US.UTF-8", "LC_ALL=C"}, false},
		{true, []string{"LANG=C", "LC_CTYPE=de_DE.UTF-8"}, true},
		{true, []string{"LANG=de_DE@euro"}, false},
	} {
		p := &Process{Environ: test.environ, ErrTerminal: test.terminal}
		if got := p.Unicode(); got != test.want {
			t.Errorf("%v, a terminal: %v: %v", test.environ, test.terminal, got)
		}
	}
}
