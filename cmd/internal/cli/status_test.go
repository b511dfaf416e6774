package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestShowStatus(t *testing.T) {
	tests := []struct {
		name  string
		p     process
		takes time.Duration
		want  string
	}{
		{"fast", process{errTerminal: true}, statusAfter - time.Millisecond, ""},
		{"slow", process{errTerminal: true}, statusAfter + time.Millisecond, "ssmguard: checking\r\x1b[K"},
		{"slow on a narrow terminal", process{errTerminal: true, errWidth: 14}, time.Minute, "ssmguard: che\r\x1b[K"},
		{"slow on a wide terminal", process{errTerminal: true, errWidth: 80}, time.Minute, "ssmguard: checking\r\x1b[K"},
		{"slow on a dumb terminal", process{errTerminal: true, environ: []string{"TERM=dumb"}}, time.Minute, ""},
		{"slow into a pipe", process{}, time.Minute, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := tt.p
				p.stderr = &out
				stop := p.showStatus("checking")
				time.Sleep(tt.takes) // of the synctest bubble
				stop()
				if got := out.String(); got != tt.want {
					t.Errorf("wrote %q, want %q", got, tt.want)
				}
			})
		})
	}
}
