package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/proxy"
)

// The requests to a background process: one word a connection, answered by one line of
// JSON, watch by one at each change. After stop and watch the connection stays open until
// the process ends. A process of an earlier release answers watch as it does status.
const (
	statusRequest = "status"
	stopRequest   = "stop"
	watchRequest  = "watch"
)

// Status is the state of a tunnel.
type Status struct {
	Tunnel  string      `json:"tunnel"`
	State   proxy.State `json:"-"`
	Name    string      `json:"state"`             // idle, opening, ready ..., or down, crashed
	Process string      `json:"process,omitempty"` // the name for `down`
	PID     int         `json:"pid,omitempty"`
	// Foreground means that the process runs in a terminal's foreground.
	Foreground bool   `json:"foreground,omitempty"`
	Listen     string `json:"listen,omitempty"`
	// SOCKS and HTTPProxy are where a proxy listens; Listen is one of them.
	SOCKS     string `json:"socks,omitempty"`
	HTTPProxy string `json:"httpProxy,omitempty"`
	// Health is where the process answers for its tunnels, with --health.
	Health string `json:"health,omitempty"`
	// Destinations is how many hosts and ports behind a proxy have a session now.
	Destinations int       `json:"destinations,omitempty"`
	Leads        string    `json:"leads,omitempty"`     // where it leads, and through which target
	File         string    `json:"file,omitempty"`      // the configuration file that has it
	Untrusted    bool      `json:"untrusted,omitempty"` // a project's file has it, and the user has not trusted it
	Far          *Far      `json:"far,omitempty"`       // what it leads to, as its process knows it
	Session      string    `json:"session,omitempty"`
	Since        time.Time `json:"since,omitzero"`
	Expires      time.Time `json:"expires,omitzero"` // of the credentials
	Error        string    `json:"error,omitempty"`  // why it is not ready, or has ended
	// Lazy means that a tunnel which is idle opens a session for the first connection.
	Lazy bool `json:"lazy,omitempty"`
	// Exit is the exit code for a tunnel that has given up, 0 for others and where it is not
	// known.
	Exit int `json:"exit,omitempty"`
	// Unready is since when the tunnel is not ready, Attempt the number of the attempt under way
	// or, until Next, of the next one. All are zero for one that is ready.
	Unready time.Time `json:"unreadySince,omitzero"`
	Attempt int       `json:"attempt,omitempty"`
	Next    time.Time `json:"next,omitzero"`
	Ended   time.Time `json:"ended,omitzero"` // when it gave up, or was last heard of
	// Reconnects counts the times the tunnel was lost and became ready again, with the same
	// session or another.
	Reconnects int `json:"reconnects"`
	// Refused counts the connections that were refused because they are of other users.
	Refused int `json:"refused,omitempty"`
	dial.Counts
}

// Far is the far end of a tunnel, and what is known of a database there.
type Far struct {
	Target      string `json:"target,omitempty"`
	Host        string `json:"host,omitempty"` // the server's own name, "" for the target itself
	Port        int    `json:"port,omitempty"`
	RDS         string `json:"rds,omitempty"`         // the identifier that was looked up
	ElastiCache string `json:"elasticache,omitempty"` // the same of a cache
	Reader      bool   `json:"reader,omitempty"`
	Profile     string `json:"profile,omitempty"`
	Region      string `json:"region,omitempty"`
	Engine      string `json:"engine,omitempty"` // a name of configs.DatabaseEngines, "" if it is not known
	Called      string `json:"called,omitempty"` // what AWS calls the engine
	User        string `json:"user,omitempty"`
	Database    string `json:"database,omitempty"`
	IAMAuth     bool   `json:"iamAuth,omitempty"`
	TLS         bool   `json:"tls,omitempty"`    // the server is known to speak TLS
	Shards      int    `json:"shards,omitempty"` // of a cache in cluster mode
}

// Takes reports whether the tunnel takes connections: it is ready, or opens a session when
// one comes.
func (s Status) Takes() bool {
	return s.Name == proxy.Ready.String() || s.Name == proxy.Idle.String() && s.Lazy
}

// Place says where the process of a tunnel runs: in the background or in another terminal.
func (s Status) Place() string { return Record{PID: s.PID, Foreground: s.Foreground}.Place() }

// keptTunnels are the tunnels of a process.
type keptTunnels interface {
	Names() []string
	Statuses() []Status
	// Changed returns a channel that is closed when the state of one has changed.
	Changed() <-chan struct{}
}

// serve answers requests about a process's tunnels until ctx ends. It calls stop for a
// request to end the process, and keeps those connections open until done.
func serve(ctx context.Context, ts keptTunnels, control *controlDoor, stop func(), done <-chan struct{}) {
	var open sync.WaitGroup
	defer open.Wait()
	defer context.AfterFunc(ctx, func() { control.Close() })()
	for {
		conn, err := control.Accept()
		if err != nil {
			return
		}
		open.Go(func() {
			defer conn.Close()
			answer(ctx, ts, conn, stop, done)
		})
	}
}

// askTime is the time limit for one request and its answer.
const askTime = 5 * time.Second

func answer(ctx context.Context, ts keptTunnels, conn net.Conn, stop func(), done <-chan struct{}) {
	conn.SetDeadline(time.Now().Add(askTime)) //nolint:errcheck // a broken connection fails the next read
	word, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	if word == watchRequest+"\n" {
		tell(ctx, ts, conn, done)
		return
	}
	if json.NewEncoder(conn).Encode(ts.Statuses()) != nil {
		return
	}
	if word == stopRequest+"\n" {
		stop()
		<-done
	}
}

// ask sends a request to a process. After stop it returns when the process has closed
// its tunnels.
func (r Registry) ask(ctx context.Context, name, word string) ([]Status, error) {
	conn, err := r.dial(ctx, name)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintln(conn, word); err != nil {
		return nil, err
	}
	from := json.NewDecoder(conn)
	var all []Status
	if err := from.Decode(&all); err != nil {
		return nil, errors.Join(context.Cause(ctx), err)
	}
	if word == stopRequest {
		_, err = io.Copy(io.Discard, conn)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	return all, err
}
