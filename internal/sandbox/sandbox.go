package sandbox

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/nettext"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/databases"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/network"
	"ssmguard/internal/sandbox/world"
)

// Sandbox is a world being served: an account, the gateway that carries its
// sessions, and the services behind its instances.
type Sandbox struct {
	World    world.World
	Account  *api.Server
	Gateway  *gateway.Gateway
	listener net.Listener
	services map[string]string // HOST:PORT as the instances see it, to the real address
	played   []*playedService
	Files    profileFiles
}

// Options are the options of a sandbox; every field may be left out.
type Options struct {
	Listen string         // loopback HOST:PORT; a free port of 127.0.0.1 when empty
	OnCall func(api.Call) // called after every call was answered; must not block
	// AnyPeer admits connections of every user of this machine. Otherwise, on Linux, those
	// of the own user and of root are admitted, and OnRefused gets the *peer.ForeignError or
	// peer.ErrGone of each other one; it must not block.
	AnyPeer   bool
	OnRefused func(error)
	// Configure changes a session that is about to be started: its faults, its agent's habits.
	Configure func(*gateway.SessionConfig)
}

// Open opens a world on a loopback address. Calls are answered once Serve runs.
func Open(w world.World, o Options) (*Sandbox, error) {
	s := &Sandbox{World: w, services: make(map[string]string)}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Sandbox) open(o Options) error {
	var err error
	o.Listen = cmp.Or(o.Listen, anyPort)
	if s.listener, err = o.listen(o.Listen); nettext.NoAddress(err) && o.Listen == anyPort {
		o.Listen = anyPort6
		s.listener, err = o.listen(o.Listen)
	}
	if err != nil {
		return fmt.Errorf("cannot serve the sandbox: %v", err) // without the system's error type: exit would advise about the network
	}
	if err := s.openServices(o); err != nil {
		return err
	}
	channels, err := o.listen(o.beside())
	if err != nil {
		return fmt.Errorf("cannot serve the sandbox: %v", err)
	}
	s.Gateway, err = gateway.New(gateway.Options{
		Listener: channels, Admit: ofProgram,
		Dial:    s.dial,
		Verify:  func(r *http.Request) error { return s.Account.VerifyUpgrade(r) },
		Decrypt: s.decrypt,
		OnEvent: func(e gateway.Event) {
			if e.What == "ended" {
				account.EndSession(s.Account, e.Session)
			}
		},
	})
	if err != nil {
		return err
	}
	if s.Account, err = account.New(s.World, api.Options{Channels: carrier{s.Gateway, s.dialFrom, o.Configure}, Now: s.now, OnCall: o.OnCall, Admit: ofProgram}); err != nil {
		return fmt.Errorf("world %s: %w", s.World.Name, err)
	}
	s.Account.Inject(s.World.Faults...)
	s.Files, err = writeProfiles(s)
	return err
}

// now is the time by AWS's clock.
func (s *Sandbox) now() time.Time { return time.Now().Add(s.World.Clock) }

// A free port of this machine's loopback. There are machines with one of the two alone.
const (
	anyPort  = "127.0.0.1:0"
	anyPort6 = "[::1]:0"
)

// beside is a free port of the address that the sandbox listens on.
func (o Options) beside() string {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return anyPort
	}
	return net.JoinHostPort(host, "0")
}

// Endpoint is the URL all AWS services of the sandbox answer on.
func (s *Sandbox) Endpoint() string { return "http://" + s.listener.Addr().String() }

// Serve answers until ctx ends, then ends every session and returns.
func (s *Sandbox) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Account.Serve(ctx, s.listener) })
	g.Go(func() error { return s.Gateway.Serve(ctx) })
	g.Go(func() error { s.cutOnSignal(ctx); return nil })
	for _, p := range s.played {
		g.Go(func() error { return p.serve(ctx) })
	}
	return g.Wait()
}

// Close releases everything that Open opened; it may be called after Serve, too.
func (s *Sandbox) Close() error {
	var errs []error
	if s.listener != nil {
		s.listener.Close() // closed already when it was served
	}
	if s.Gateway != nil {
		errs = append(errs, s.Gateway.Close())
	}
	for _, p := range s.played {
		p.listener.Close()
	}
	return errors.Join(append(errs, s.Files.remove())...)
}

// dial connects the agent of a node: to a service of the world by its name, to
// this machine by localhost, and to nothing else.
func (s *Sandbox) dial(ctx context.Context, host, port string) (net.Conn, error) {
	address, ok := s.services[net.JoinHostPort(host, port)]
	if !ok {
		return gateway.Loopback(ctx, host, port)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// dialFrom is dial for the agent of a target. What security groups do not let through is
// dropped, as in a VPC: such a connection is waited for in vain.
func (s *Sandbox) dialFrom(target string) gateway.DialFunc {
	at := slices.IndexFunc(s.World.Nodes, func(n world.Node) bool { return n.ID == target })
	if at < 0 || len(s.World.SecurityGroups) == 0 {
		return s.dial
	}
	return func(ctx context.Context, host, port string) (net.Conn, error) {
		place, isDatabase := databases.At(s.World, host)
		number, err := strconv.Atoi(port)
		if isDatabase && err == nil && !network.Admits(s.World, s.World.Nodes[at], place, number) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		return s.dial(ctx, host, port)
	}
}

func (s *Sandbox) decrypt(_ context.Context, _ string, blob []byte, encryptionContext map[string]string) ([]byte, error) {
	return account.Decrypt(s.Account, blob, encryptionContext)
}

// carrier carries the account's sessions through the gateway.
type carrier struct {
	gateway   *gateway.Gateway
	dialFrom  func(target string) gateway.DialFunc
	configure func(*gateway.SessionConfig) // nil: nothing is changed
}

// Start starts a session at the gateway.
func (c carrier) Start(ctx context.Context, start api.SessionStart) (streamURL, token string, err error) {
	properties, err := gatewayProperties(start.Properties)
	if err != nil {
		return "", "", err
	}
	config := gateway.SessionConfig{
		ID: start.SessionID, Kind: gateway.Kind(start.SessionType), Properties: properties, Target: start.Target,
		Reason: start.Reason, AgentVersion: start.AgentVersion, Unpaced: start.Unpaced, KMSKeyID: start.KMSKeyID,
		Dial: c.dialFrom(start.Target),
	}
	if c.configure != nil {
		c.configure(&config)
	}
	session, err := c.gateway.Start(ctx, config)
	if err != nil {
		return "", "", err
	}
	return session.StreamURL.Reveal(), session.Token.Reveal(), nil
}

// Resume gives a session a new token.
func (c carrier) Resume(ctx context.Context, id string) (streamURL, token string, err error) {
	session, err := c.gateway.Resume(ctx, id)
	if err != nil {
		return "", "", err
	}
	return session.StreamURL.Reveal(), session.Token.Reveal(), nil
}

// Terminate ends a session; an unknown session has ended.
func (c carrier) Terminate(ctx context.Context, id string) error {
	if err := c.gateway.Terminate(ctx, id); err != nil && !errors.Is(err, gateway.ErrNoSession) {
		return err
	}
	return nil
}

// gatewayProperties reads a document's properties. Documents write booleans as
// text, since their parameters are text.
func gatewayProperties(raw json.RawMessage) (gateway.Properties, error) {
	var p struct {
		gateway.Properties
		Linux *struct {
			Commands             string `json:"commands"`
			SeparateOutputStream any    `json:"separateOutputStream"`
		} `json:"linux"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return gateway.Properties{}, fmt.Errorf("properties of the session document: %w", err)
	}
	if p.Linux != nil {
		p.Properties.Linux = &gateway.Commands{Commands: p.Linux.Commands, SeparateOutputStream: fmt.Sprint(p.Linux.SeparateOutputStream) == "True"}
	}
	return p.Properties, nil
}

// playedService is a service the sandbox plays: it greets, then answers every
// line with the same line.
type playedService struct {
	listener net.Listener
	greeting string
}

func (p *playedService) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { p.listener.Close() })()
	var g errgroup.Group
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			g.Wait() //nolint:errcheck // answer returns none
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		g.Go(func() error { p.answer(ctx, conn); return nil })
	}
}

func (p *playedService) answer(ctx context.Context, conn net.Conn) {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	if p.greeting != "" {
		fmt.Fprintln(conn, p.greeting)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprintln(conn, lines.Text())
	}
}
