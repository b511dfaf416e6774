package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"target", "host", "port"}
	for word, want := range map[string]string{"traget": "target", "Port": "port", "hots": "host", "zebra": "", "": "", strings.Repeat("port", 1<<18): ""} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
