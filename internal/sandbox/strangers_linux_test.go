package sandbox

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"ssmguard/internal/peer"
	"ssmguard/internal/peer/peertest"
	"ssmguard/internal/sandbox/world"
)

// Another user of the machine reaches neither the account nor the gateway, nor a
// service, which asks for no keys.
func TestOtherUsersAreRefused(t *testing.T) {
	const greeting = "a database of the sandbox"
	for _, any := range []bool{false, true} {
		w := world.World{
			Account: "111122223333", Region: "eu-west-1", Logins: []world.Login{{Name: "root", Principal: "root"}},
			Services: map[string]world.Service{"db.internal:5432": {Greeting: greeting}},
		}
		refused := make(chan error, 10)
		s, err := Open(w, Options{AnyPeer: any, OnRefused: func(err error) { refused <- err }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := errors.Join(<-ended, s.Close()); err != nil {
				t.Error(err)
			}
		})
		const request = " / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
		for _, at := range []struct{ name, address, words, answer string }{
			{"the account", s.listener.Addr().String(), "POST" + request, "MissingAuthenticationToken"},
			{"the gateway", s.Gateway.Addr(), "GET" + request, "no such data channel"},
			{"a service", s.services["db.internal:5432"], "", greeting},
		} {
			if own := ask(t, at.address, at.words, at.answer); !strings.Contains(own, at.answer) {
				t.Errorf("%s answers the own user %q", at.name, own)
			}
			if any && at.words == "" {
				continue // it does not hang up
			}
			other, err := peertest.Talk(t, "tcp", at.address, at.words)
			if any {
				if !strings.Contains(other, at.answer) {
					t.Errorf("%s answers %q, %v, although every user is admitted", at.name, other, err)
				}
				continue
			}
			if other != "" {
				t.Fatalf("%s answers another user: %q", at.name, other)
			}
			var foreign *peer.ForeignError
			if err := <-refused; !errors.As(err, &foreign) || foreign.UID != peertest.Nobody {
				t.Errorf("%s was refused to %v", at.name, err)
			}
		}
	}
}

// ask sends words and returns what is said until it has the answer that is awaited.
func ask(t *testing.T, address, words, answer string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(words)); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if said.WriteString(lines.Text()); strings.Contains(said.String(), answer) {
			break
		}
	}
	return said.String()
}
