//go:build unix

package plugin_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"ssmguard/internal/sandbox/gateway"
)

func commands(kind gateway.Kind, text string) gateway.SessionConfig {
	return gateway.SessionConfig{Kind: kind, Properties: gateway.Properties{Linux: &gateway.Commands{Commands: text}}}
}

// The end of our own input cuts no output, and ends what reads it.
func TestInputEnds(t *testing.T) {
	const lines = 20000
	count := fmt.Sprintf("seq 1 %d", lines)
	handshake := commands(gateway.InteractiveCommands, count)
	handshake.Handshake = gateway.HandshakeAlways
	encrypted := commands(gateway.NonInteractiveCommands, count)
	encrypted.KMSKeyID = "alias/k"
	tests := map[string]struct {
		config      gateway.SessionConfig
		input, want string
	}{
		"command":             {commands(gateway.NonInteractiveCommands, count), "", fmt.Sprintf("\n%d\n", lines)},
		"encrypted command":   {encrypted, "", fmt.Sprintf("\n%d\n", lines)},
		"interactive command": {commands(gateway.InteractiveCommands, count), "", fmt.Sprintf("\n%d\r\n", lines)},
		"with handshake":      {handshake, "", fmt.Sprintf("\n%d\r\n", lines)},
		"command that reads":  {commands(gateway.InteractiveCommands, "echo go; wc -l"), "one\ntwo\n", "\n2\r\n"},
		"nothing":             {gateway.SessionConfig{Kind: gateway.Shell}, "", "$ "},
		"a line":              {gateway.SessionConfig{Kind: gateway.Shell}, count + "\n", fmt.Sprintf("\n%d\r\n", lines)},
		"half a line":         {gateway.SessionConfig{Kind: gateway.Shell}, "echo sum=$((20+22))", "sum=42"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, s := st.start(tc.config)
			d := st.run(o)
			d.say(tc.input)
			d.in.Close()
			if code := d.wait(); code != 0 {
				t.Errorf("exit status %d: %s", code, d.err)
			}
			if out := d.out.String(); !strings.Contains(out, tc.want) || !strings.Contains(out, "Exiting session") {
				t.Errorf("stdout of %d bytes ends in %q; stderr %q", len(out), out[max(0, len(out)-200):], d.err)
			}
			awaitEnd(t, s)
			for _, call := range st.called() {
				if strings.HasPrefix(call, "TerminateSession") {
					t.Error("the session was cut off")
				}
			}
		})
	}
}

// So it is where the AWS CLI runs us as its plugin.
func TestDropInInputEnds(t *testing.T) {
	st := newStage(t)
	o, _ := st.start(commands(gateway.NonInteractiveCommands, "seq 1 20000"))
	d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", `{"Target": "i-0123"}`, st.api.URL)
	d.in.Close()
	if code := d.wait(); code != 0 || !strings.Contains(d.out.String(), "\n20000\n") {
		t.Errorf("exit status %d, stdout of %d bytes", code, len(d.out.String()))
	}
}

// A session that is lost after the end of the input has not ended well.
func TestLostAfterInputEnds(t *testing.T) {
	t.Parallel()
	st := newStage(t)
	o, s := st.start(commands(gateway.NonInteractiveCommands, "echo first; exec sleep 1000"))
	d := st.run(o)
	d.in.Close()
	d.await(d.out, "first")
	st.refuse("ResumeSession")
	s.Cut(gateway.CutRST)
	if code := d.wait(); code != 1 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	d.await(d.err, "could not be resumed")
}

// A stream whose input has ended is kept for the answer.
func TestStreamInputEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answer := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	asked, ended := make(chan struct{}), make(chan struct{})
	defer close(ended)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		bufio.NewReader(conn).ReadString('\n')
		<-asked // the end of the input was there before the answer
		conn.Write(answer)
		<-ended // it does not close: the silence is the end
	}()
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{PortNumber: fmt.Sprint(l.Addr().(*net.TCPAddr).Port)}})
	d := st.run(o)
	d.say("question\n")
	d.in.Close()
	close(asked)
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	if !strings.Contains(d.out.String(), string(answer)) {
		t.Errorf("stdout of %d bytes, want %d and more", len(d.out.String()), len(answer))
	}
	awaitEnd(t, s)
}
