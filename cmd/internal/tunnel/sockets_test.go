//go:build unix

package tunnel

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

// The clients that are installed connect to the socket of a tunnel, led by what is printed
// for them.
func TestClientsFindSockets(t *testing.T) {
	for _, test := range []struct {
		program []string
		database.Access
		name   string // of the socket
		speaks string // in what the client says first; "" where the server speaks first
	}{
		{[]string{"psql", "-w", "-c", "select 1"}, database.Access{User: "app", Database: "shop", Format: "psql"}, ".s.PGSQL.5433", "user\x00app\x00database\x00shop\x00"},
		{[]string{"mariadb", "-e", "select 1"}, database.Access{User: "app", Engine: database.Of(database.Facts{AWS: "mysql"}), Called: "mysql", Format: "mysql"}, "my db.sock", ""},
		{[]string{"mysql", "-e", "select 1"}, database.Access{User: "app", Engine: database.Of(database.Facts{AWS: "mysql"}), Called: "mysql", Format: "mysql"}, "mysql.sock", ""},
		{[]string{"redis-cli", "ping"}, database.Access{Engine: database.Of(database.Facts{AWS: "redis"}), Called: "redis", Format: "url"}, "cache.sock", "ping"},
	} {
		t.Run(test.program[0], func(t *testing.T) {
			path, err := exec.LookPath(test.program[0])
			if err != nil {
				t.Skip("not installed")
			}
			dir := filepath.Join(t.TempDir(), "made")
			near, err := listen(configs.Tunnel{Listen: "unix:" + filepath.Join(dir, test.name)}, false, func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, test.name): 0o600} {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v, %v", file, info.Mode(), err)
				}
			}
			test.Access.Socket = filepath.Join(dir, test.name)
			text, err := test.Text()
			if err != nil {
				t.Fatal(err)
			}
			var cmd *exec.Cmd
			switch test.Format {
			case "psql":
				cmd = exec.Command("sh", append([]string{"-c", "export PGHOSTADDR=192.0.2.1\n" + text + `exec "$@"`, "sh"}, test.program...)...)
			case "mysql":
				file := filepath.Join(t.TempDir(), "options")
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd = exec.Command(path, append([]string{"--defaults-file=" + file}, test.program[1:]...)...)
			default:
				cmd = exec.Command(path, append([]string{"-s", test.Access.Socket}, test.program[1:]...)...)
			}
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer near.close()
			ctx, cancel := context.WithTimeout(t.Context(), longest)
			defer cancel()
			conn, err := near.inlet.Accept(ctx, func() int { return 0 })
			if err != nil {
				t.Fatalf("no connection; the client said %s", &said)
			}
			defer conn.Close()
			if test.speaks == "" {
				return
			}
			first := make([]byte, 200)
			if n, err := conn.Read(first); !strings.Contains(string(first[:n]), test.speaks) {
				t.Errorf("the client sent %q, %v", first[:n], err)
			}
		})
	}
}

// A socket is for its user: its directory is made so, or has to be so.
func TestSocketDirectories(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	near, err := listen(configs.Tunnel{Listen: "unix:new/db.sock"}, false, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if got := near.door.String(); got != "unix:"+filepath.Join(here, "new", "db.sock") {
		t.Errorf("listens on %s", got)
	}
	near.close()
	if _, err := os.Stat("new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	if err := errors.Join(os.Mkdir("open", 0o700), os.Chmod("open", 0o777)); err != nil {
		t.Fatal(err)
	}
	_, err = listen(configs.Tunnel{Listen: "unix:open/db.sock"}, false, func(string) {})
	want := filepath.Join(here, "open") + " can be written by others (mode 0777), who could put their own socket in the place of yours; chmod go-w it if you trust it, or choose another directory"
	if err == nil || err.Error() != want || exit.Code(err) != exit.Config {
		t.Errorf("got %v", err)
	}
}
