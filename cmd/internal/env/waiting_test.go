package env

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestShowStatus(t *testing.T) {
	tests := []struct {
		name  string
		p     *Process
		takes time.Duration
		want  string
	}{
		{"fast", &Process{ErrTerminal: true}, statusAfter - time.Millisecond, ""},
		{"slow", &Process{ErrTerminal: true}, statusAfter + time.Millisecond, "ssmguard: checking\r\x1b[K"},
		{"slow on a narrow terminal", &Process{ErrTerminal: true, ErrWidth: 14}, time.Minute, "ssmguard: che\r\x1b[K"},
		{"slow on a wide terminal", &Process{ErrTerminal: true, ErrWidth: 80}, time.Minute, "ssmguard: checking\r\x1b[K"},
		{"slow on a dumb terminal", &Process{ErrTerminal: true, Environ: []string{"TERM=dumb"}}, time.Minute, ""},
		{"slow into a pipe", &Process{}, time.Minute, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := tt.p
				p.Stderr = &out
				stop := p.ShowStatus("checking")
				time.Sleep(tt.takes) // of the synctest bubble
				stop()
				if got := out.String(); got != tt.want {
					t.Errorf("wrote %q, want %q", got, tt.want)
				}
			})
		})
	}
}
