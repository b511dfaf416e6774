//go:build unix

package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/internal/sandbox/gateway"
)

// A directory for temporary files that is missing, or whose name is too long for a socket
// in it, is no reason not to forward a port.
func TestNoRoomForTheSocket(t *testing.T) {
	for name, directory := range map[string]func(st *stage) string{
		"long": func(st *stage) string {
			dir := filepath.Join(st.home, strings.Repeat("long", 30))
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"missing": func(st *stage) string { return filepath.Join(st.home, "gone") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			runtimeDir, err := os.MkdirTemp("/tmp", "run")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(runtimeDir) })
			st.environ = []string{"TMPDIR=" + directory(st), "XDG_RUNTIME_DIR=" + runtimeDir}
			forwards := gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: echoServer(t), LocalPortNumber: "0"}}
			o, s := st.start(forwards)
			d := st.run(o)
			conn := dialLocal(t, localPort(t, d))
			if _, err := conn.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 4)); err != nil {
				t.Error(err)
			}
			made, err := os.ReadDir(runtimeDir)
			if err != nil || len(made) != 1 {
				t.Fatalf("%v, %v", made, err)
			}
			if info, err := made[0].Info(); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			s.Finish("")
			d.wait()

			o, _ = st.start(gateway.SessionConfig{Kind: gateway.Shell})
			o.External = script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2; exit; }\n[ -d $TMPDIR ] && echo $TMPDIR\n")
			d = st.run(o)
			if d.wait(); !strings.HasPrefix(d.out.String(), runtimeDir+"/ssmguard-") || len(d.out.String()) > 62 {
				t.Errorf("an external plugin's TMPDIR is %q", d.out)
			}
			if left, err := os.ReadDir(runtimeDir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
