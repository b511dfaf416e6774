package door

import (
	"errors"
	"syscall"
	"testing"
)

// A port that only root may listen on comes with one that anyone may.
func TestPortsOfRoot(t *testing.T) {
	for _, test := range []struct {
		address string
		err     error
		want    string
	}{
		{"127.0.0.1:80", syscall.EACCES, "; ports below 1024 are for root, so give another, such as 10080"},
		{"[::1]:443", syscall.EACCES, "; ports below 1024 are for root, so give another, such as 10443"},
		{"127.0.0.1:8080", syscall.EACCES, ""},
		{"127.0.0.1:0", syscall.EACCES, ""},
		{"127.0.0.1:80", syscall.EADDRNOTAVAIL, ""},
		{"127.0.0.1:80", errors.New("no"), ""},
	} {
		if got := lowPort(test.address, test.err); got != test.want {
			t.Errorf("%s, %v: %q, want %q", test.address, test.err, got, test.want)
		}
	}
}
