package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestShowStatus(t *testing.T) {
	tests := []struct {
		name     string
		terminal bool
		takes    time.Duration
		want     string
	}{
		{"fast", true, statusAfter - time.Millisecond, ""},
		{"slow", true, statusAfter + time.Millisecond, "ssmguard: checking\r\x1b[K"},
		{"slow into a pipe", false, time.Minute, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				stop := (&process{stderr: &out, errTerminal: tt.terminal}).showStatus("checking")
				time.Sleep(tt.takes) // of the synctest bubble
				stop()
				if got := out.String(); got != tt.want {
					t.Errorf("wrote %q, want %q", got, tt.want)
				}
			})
		})
	}
}
