package channel_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/plugin"
)

// A carrier is a program that forwards a local port, run as a child so that its
// CPU time and memory are its own: the official plugin, our channel, or a bare
// websocket relay, which is the limit of what a channel could reach.
type carrier string

const (
	official carrier = "plugin"
	native   carrier = "native"
	relay    carrier = "relay"
)

// ticket is a session as a child gets it, in its environment.
type ticket struct{ ID, StreamURL, Token string }

const (
	roleVariable    = "SSMGUARD_TEST_CARRIER"
	ticketsVariable = "SSMGUARD_TEST_TICKETS"
)

// actAsCarrier runs what a child was started for; false in the tests themselves.
func actAsCarrier() bool {
	if plugin.Named(os.Args[0]) {
		os.Exit(plugin.Main(os.Args))
	}
	var tickets []ticket
	switch role := carrier(os.Getenv(roleVariable)); role {
	case native, relay:
		if err := json.Unmarshal([]byte(os.Getenv(ticketsVariable)), &tickets); err != nil {
			panic(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			io.Copy(io.Discard, os.Stdin) //nolint:errcheck // its end is the end
			cancel()
		}()
		if role == native {
			carryNative(ctx, l, tickets)
		} else {
			carryRelay(ctx, l, tickets[0].StreamURL)
		}
		return true
	}
	return false
}

func carryNative(ctx context.Context, l net.Listener, tickets []ticket) {
	in := channel.NewInlet(l)
	for _, k := range tickets {
		c, err := channel.Dial(ctx, channel.Options{Session: &proxy.Session{ID: k.ID, StreamURL: proxy.NewSecret(k.StreamURL), Token: proxy.NewSecret(k.Token)}})
		if err != nil {
			panic(err)
		}
		go c.Forward(ctx, in, channel.ForwardOptions{}) //nolint:errcheck // ends with ctx
		defer c.Close()
	}
	announce(l)
	<-ctx.Done()
}

func announce(l net.Listener) {
	fmt.Printf("Port %d opened\n", l.Addr().(*net.TCPAddr).Port)
}

// carryRelay gives every connection a websocket of its own.
func carryRelay(ctx context.Context, l net.Listener, url string) {
	announce(l)
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		ws, _, err := websocket.DefaultDialer.Dial(url, nil)
		if err != nil {
			panic(err)
		}
		go relayUp(ws, conn)
		go relayDown(conn, ws)
	}
}

// relayUp sends what conn gives in messages of the size that we send.
func relayUp(ws *websocket.Conn, conn net.Conn) {
	defer ws.Close()
	b := make([]byte, 1536)
	for {
		n, err := conn.Read(b)
		if n > 0 && ws.WriteMessage(websocket.BinaryMessage, b[:n]) != nil || err != nil {
			return
		}
	}
}

func relayDown(conn net.Conn, ws *websocket.Conn) {
	defer conn.Close()
	for {
		_, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

// relayServer joins each websocket to a new connection to addr.
func relayServer(t *testing.T, addr string) string {
	up := websocket.Upgrader{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			ws.Close()
			return
		}
		go relayDown(conn, ws)
		b := make([]byte, 1024) // what agents send
		for {
			n, err := conn.Read(b)
			if n > 0 && ws.WriteMessage(websocket.BinaryMessage, b[:n]) != nil || err != nil {
				ws.Close()
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// child is a running carrier.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	addr  string
	g     *gateway.Gateway // its other side; nil for a relay
}

// start runs a carrier with lanes sessions to the server at port.
func (kind carrier) start(t *testing.T, c gateway.SessionConfig, lanes int) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	var tickets []ticket
	var g *gateway.Gateway
	if kind == relay {
		tickets = []ticket{{StreamURL: relayServer(t, net.JoinHostPort("127.0.0.1", c.Properties.PortNumber))}}
	} else {
		g = serve(t)
		for range lanes {
			s, err := g.Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, ticket{s.ID, s.StreamURL.Reveal(), s.Token.Reveal()})
		}
	}
	if kind == official {
		k := tickets[0]
		response, _ := json.Marshal(map[string]string{"SessionId": k.ID, "StreamUrl": k.StreamURL, "TokenValue": k.Token})
		cmd.Args = []string{plugin.Name, "AWS_SSM_START_SESSION_RESPONSE", "eu-west-1", "StartSession", "", `{"Target":"i-1","DocumentName":"AWS-StartPortForwardingSession"}`, "http://127.0.0.1:1"}
		cmd.Env = append(cmd.Env, "AWS_SSM_START_SESSION_RESPONSE="+string(response))
	} else {
		b, _ := json.Marshal(tickets)
		cmd.Env = append(cmd.Env, roleVariable+"="+string(kind), ticketsVariable+"="+string(b))
	}
	k := run(t, cmd)
	k.g = g
	return k
}

var portOpened = regexp.MustCompile(`Port (\d+) opened`)

// run starts the child and waits until it says its port.
func run(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k := &child{t: t, cmd: cmd, stdin: stdin}
	t.Cleanup(k.stop)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := portOpened.FindStringSubmatch(lines.Text()); m != nil {
			k.addr = "127.0.0.1:" + m[1]
			go io.Copy(io.Discard, stdout) //nolint:errcheck // ends with the child
			return k
		}
	}
	t.Fatal("the carrier did not open a port")
	return nil
}

func (k *child) stop() {
	k.stdin.Close()
	k.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have gone
	timer := time.AfterFunc(10*time.Second, func() { k.cmd.Process.Kill() })
	defer timer.Stop()
	k.cmd.Wait() //nolint:errcheck // killed by us
}

// cpu returns the CPU time of the child so far, to the nanosecond where the kernel tells.
func (k *child) cpu() time.Duration {
	var sum time.Duration
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", k.cmd.Process.Pid))
	for _, f := range tasks {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		ns, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// memory returns the child's resident memory in MiB.
func (k *child) memory() float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", k.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kib / 1024
}

func (k *child) dial() net.Conn {
	k.t.Helper()
	conn, err := net.Dial("tcp", k.addr)
	if err != nil {
		k.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(2 * time.Minute)) //nolint:errcheck // reads and writes fail then
	k.t.Cleanup(func() { conn.Close() })
	return conn
}
