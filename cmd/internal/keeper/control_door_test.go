package keeper

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"ssmguard/internal/private"
)

type oneTunnel struct{ name string }

func (o oneTunnel) Names() []string          { return []string{o.name} }
func (o oneTunnel) Statuses() []Status       { return []Status{{Tunnel: o.name, Name: "ready"}} }
func (o oneTunnel) Changed() <-chan struct{} { return nil }

// answering serves the requests to a process called db, on a port or a socket, until the
// test ends. stopped is closed when one has asked it to end.
func answering(t *testing.T, r Registry, onPort bool) (stopped chan struct{}) {
	t.Helper()
	control, err := r.openControl("db", onPort)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped, served := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		serve(ctx, oneTunnel{"db"}, control, func() { close(stopped) }, stopped)
	}()
	t.Cleanup(func() {
		cancel()
		<-served
	})
	return stopped
}

// A process is asked through its door, whichever the system has.
func TestDoors(t *testing.T) {
	for name, onPort := range map[string]bool{"socket": false, "port": true} {
		r := Registry{Dir: t.TempDir()}
		stopped := answering(t, r, onPort)
		if got, err := r.ask(t.Context(), "db", statusRequest); err != nil || len(got) != 1 || got[0].Tunnel != "db" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, err := r.ask(t.Context(), "db", stopRequest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		<-stopped
	}
}

// Who does not know the secret of the run is told nothing, and who has got the port since
// cannot answer for the process.
func TestPortNeedsSecrets(t *testing.T) {
	r := Registry{Dir: t.TempDir()}
	answering(t, r, true)
	text, err := private.ReadFile(r.File("db", "sock"), maxControlFile)
	if err != nil {
		t.Fatal(err)
	}
	var s controlSecrets
	if err := json.Unmarshal(text, &s); err != nil || s.Ask == s.Answer || len(s.Ask) < 20 || len(s.Answer) < 20 {
		t.Fatalf("secrets of %d and %d characters, %v", len(s.Ask), len(s.Answer), err)
	}
	for _, said := range []string{strings.Repeat("A", len(s.Ask)) + "status\n", s.Answer + "status\n", "status\n"} {
		conn, err := net.Dial("tcp", s.Address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, said)
		conn.(*net.TCPConn).CloseWrite()
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("%q is answered with %q", said, got)
		}
		conn.Close()
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.CopyN(conn, conn, int64(len(s.Ask))) // it says what it has heard
			conn.Close()
		}
	}()
	for name, file := range map[string]string{
		"another program": `{"address":"` + l.Addr().String() + `","ask":"` + s.Ask + `","answer":"` + s.Answer + `"}`,
		"another machine": `{"address":"192.0.2.1:80","ask":"` + s.Ask + `","answer":"` + s.Answer + `"}`,
		"no secret":       `{"address":"` + s.Address + `"}`,
		"no file of ours": "127.0.0.1:80",
	} {
		if err := os.WriteFile(r.File("db", "sock"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := r.ask(t.Context(), "db", statusRequest)
		if err == nil || len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if strings.Contains(err.Error(), s.Ask) || strings.Contains(err.Error(), s.Answer) {
			t.Errorf("%s: the error has a secret: %v", name, err)
		}
	}
}
