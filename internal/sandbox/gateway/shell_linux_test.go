package gateway

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy/channel/wire"
)

// A program that does not read what is typed keeps neither the gateway from
// answering pings nor the session from ending.
func TestUnreadInput(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Shell})
	c := connect(t, p)
	awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
	c.say(wire.PayloadOutput, "stty raw -echo; echo deaf; sleep 1000\r")
	c.awaitOutput("deaf\n")
	for range 40 {
		c.say(wire.PayloadOutput, strings.Repeat("x", 1024))
	}
	pong := make(chan struct{})
	c.mu.Lock()
	c.conn.SetPongHandler(func(string) error { close(pong); return nil })
	c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience))
	c.mu.Unlock()
	select {
	case <-pong:
	case <-time.After(patience):
		t.Error("no pong")
	}
	g.Terminate(t.Context(), p.ID)
	c.awaitClosed()
	awaitDone(t, s)
}

// Processes that a command has started end with its session.
func TestCommandLeavesNothing(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: NonInteractiveCommands, Properties: Properties{
		Linux: &Commands{Commands: "sleep 1000 & echo pid=$!.; wait"}}})
	c := connect(t, p)
	c.awaitOutput(".\n")
	pid, err := strconv.Atoi(regexp.MustCompile(`pid=(\d+)`).FindStringSubmatch(c.out.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	g.Terminate(t.Context(), p.ID)
	awaitDone(t, s)
	for limit := time.After(patience); syscall.Kill(pid, 0) == nil && !zombie(pid); {
		select {
		case <-time.After(time.Millisecond):
		case <-limit:
			t.Fatal("a process is left behind")
		}
	}
}

// zombie reports whether a process has ended and was not waited for.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}
