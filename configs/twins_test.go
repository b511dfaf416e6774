package configs

import (
	"path/filepath"
	"testing"
)

func TestTwins(t *testing.T) {
	for _, test := range []struct {
		first, second Tunnel
		twins         bool
	}{
		{Tunnel{LocalPort: 1}, Tunnel{LocalPort: 1}, true},
		{Tunnel{LocalPort: 1}, Tunnel{LocalPort: 2}, false},
		{Tunnel{LocalPort: 0}, Tunnel{LocalPort: 0}, false},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: "127.0.0.1:1"}, true},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: "localhost:1"}, true},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: "[::1]:1"}, true},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: ":1"}, true},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: "0.0.0.0:1"}, true},
		{Tunnel{LocalPort: 1}, Tunnel{Listen: "127.0.0.2:1"}, false},
		{Tunnel{Listen: "127.0.0.2:1"}, Tunnel{Listen: "127.0.0.2:1"}, true},
		{Tunnel{Listen: ":0"}, Tunnel{Listen: ":0"}, false},
		{Tunnel{Listen: "unix:/a"}, Tunnel{Listen: "unix:/a"}, true},
		{Tunnel{Listen: "unix:/a"}, Tunnel{Listen: "unix:/b"}, false},
	} {
		for _, pair := range [][]Tunnel{{test.first, test.second}, {test.second, test.first}} {
			if got := len(Twins(pair)) > 0; got != test.twins {
				t.Errorf("%+v: %v, want %v", pair, got, test.twins)
			}
		}
	}
}

// The text of a twin names both tunnels with their lines.
func TestTwinsOfAFile(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  orders: {target: i-1, port: 1, local_port: 15432}\n  billing:\n    target: i-1\n    port: 2\n    local_port: 15432\n  cache: {target: i-1, port: 3, local_port: 16379}\n")
	c, err := Load(Places{UserFile: file})
	if err != nil {
		t.Fatal(err)
	}
	twins := c.Twins()
	want := "billing (" + file + ":3) and orders (" + file + ":2) both listen on 127.0.0.1:15432; give one of them another local_port"
	if len(twins) != 1 || twins[0].Error() != want {
		t.Errorf("%v, want %s", twins, want)
	}
}
