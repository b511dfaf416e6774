package env

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestShowStatus(t *testing.T) {
	tests := []struct {
		name   string
		p      *Process
		takes  time.Duration
		within time.Duration
		want   string
	}{
		{"fast", &Process{ErrTerminal: true}, statusAfter - time.Millisecond, 0, ""},
		{"slow", &Process{ErrTerminal: true}, statusAfter + time.Millisecond, 0, "ssmguard: checking\r\x1b[K"},
		{"slower", &Process{ErrTerminal: true}, 2*time.Second + time.Millisecond, 10 * time.Second,
			"ssmguard: checking\r\x1b[Kssmguard: checking, 1s of at most 10s\r\x1b[Kssmguard: checking, 2s of at most 10s\r\x1b[K"},
		{"without a limit", &Process{ErrTerminal: true}, time.Second + time.Millisecond, 0, "ssmguard: checking\r\x1b[Kssmguard: checking, 1s\r\x1b[K"},
		{"on a narrow terminal", &Process{ErrTerminal: true, ErrWidth: 14}, time.Second / 2, 0, "ssmguard: che\r\x1b[K"},
		{"on a wide terminal", &Process{ErrTerminal: true, ErrWidth: 80}, time.Second / 2, 0, "ssmguard: checking\r\x1b[K"},
		{"on a dumb terminal", &Process{ErrTerminal: true, Environ: []string{"TERM=dumb"}}, time.Minute, 0, ""},
		{"into a pipe", &Process{}, time.Minute, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := tt.p
				p.Stderr = &out
				stop := p.ShowStatus("checking", tt.within)
				time.Sleep(tt.takes) // of the synctest bubble
				stop()
				if got := out.String(); got != tt.want {
					t.Errorf("wrote %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestStatusOverStatus: one line is shown at a time, and a question ends it.
func TestStatusOverStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &Process{ErrTerminal: true, Stderr: &out}
		stop := p.ShowStatus("outer", 0)
		inner := p.ShowStatus("inner", 0)
		time.Sleep(statusAfter + time.Millisecond)
		inner()
		p.HideStatus()
		time.Sleep(time.Minute)
		stop()
		p.ShowStatus("next", 0)()
		if want := "ssmguard: outer\r\x1b[K"; out.String() != want {
			t.Errorf("wrote %q, want %q", out.String(), want)
		}
	})
}

// TestErased: a line that a narrower terminal has broken is erased as a whole.
func TestErased(t *testing.T) {
	for want, size := range map[string][2]int{"": {0, 80}, "\r\x1b[K": {40, 40}, "\r\x1b[1A\x1b[J": {41, 40}, "\r\x1b[2A\x1b[J": {100, 40}} {
		if got := erased(size[0], size[1]); got != want {
			t.Errorf("%v: %q, want %q", size, got, want)
		}
	}
}
