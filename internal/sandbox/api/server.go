package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// Options are the options of an account; every field may be left out.
type Options struct {
	Channels Channels                  // carries the sessions; without it StartSession fails inside AWS
	Now      func() time.Time          // time.Now when nil
	Log      *slog.Logger              // errors of the account itself; discarded when nil
	OnCall   func(Call)                // called after every call was answered; must not block
	Admit    func(*http.Request) error // decides of each request before anything else; nil admits all
}

// Server is one account on one endpoint. It is safe for concurrent use: Mu guards all
// fields after it, and operations hold it.
type Server struct {
	services Services
	Channels Channels
	admit    func(*http.Request) error
	*traffic
	*webIdentities

	Mu sync.Mutex
	*Store
	Callers        map[string]*Caller // by access key id
	logins         []Credentials
	Sessions       []*Session
	AccessRequests []*AccessRequest
	DataKeys       map[string]DataKey // by ciphertext
	Random         *rand.Rand
}

// Open opens an account with the given services. It keeps its own copy of the world; an
// unparsable policy or an unknown name is an error.
func Open(w world.World, o Options, services Services) (*Server, error) {
	w = complete(w)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		services: services, Channels: o.Channels, admit: o.Admit, traffic: &traffic{onCall: o.OnCall, delay: w.Delay},
		webIdentities: newWebIdentities(),
		Store:         &Store{World: w, Now: o.Now, Log: o.Log, Managed: make(map[string]*ManagedPolicy), parsed: make(map[string][]policy.Statement)},
		Callers:       make(map[string]*Caller), DataKeys: make(map[string]DataKey),
		Random: rand.New(rand.NewPCG(w.Seed, w.Seed)),
	}
	for _, p := range w.Policies {
		if err := s.PutManaged(p); err != nil {
			return nil, err
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	for _, l := range w.Logins {
		c, err := s.issue(l)
		if err != nil {
			return nil, err
		}
		s.logins = append(s.logins, c)
	}
	return s, nil
}

// complete copies the lists that the server changes and fills in defaults.
func complete(w world.World) world.World {
	w.Partition = OrElse(w.Partition, "aws")
	w.Users, w.Roles, w.Groups = slices.Clone(w.Users), slices.Clone(w.Roles), slices.Clone(w.Groups)
	w.Nodes, w.Context = slices.Clone(w.Nodes), maps.Clone(w.Context)
	if w.Organization != nil {
		o := *w.Organization
		o.Levels = slices.Clone(o.Levels)
		w.Organization = &o
	}
	for i := range w.Users {
		w.Users[i].Principal = completePrincipal(w.Users[i].Principal, "AIDA")
	}
	for i := range w.Roles {
		w.Roles[i].Principal = completePrincipal(w.Roles[i].Principal, "AROA")
	}
	for i := range w.Groups {
		w.Groups[i].Path = OrElse(w.Groups[i].Path, "/")
		w.Groups[i].Inline = slices.Clone(w.Groups[i].Inline)
	}
	return w
}

func completePrincipal(p world.Principal, prefix string) world.Principal {
	p.Path = OrElse(p.Path, "/")
	p.ID = OrElse(p.ID, MadeUpID(prefix, p.Name))
	p.Inline = slices.Clone(p.Inline)
	return p
}

// check parses every policy and resolves every name; it returns the first fault.
func (s *Store) check() (first error) {
	fail := func(err error) {
		if first == nil {
			first = err
		}
	}
	parse := func(what, key string, layer Layer, p world.Policy) {
		if err := s.Parse(&Source{Key: key, Layer: layer, Text: p.Document}); err != nil {
			fail(fmt.Errorf("%s: %w", what, err))
		}
	}
	principal := func(name string, attached []string, inline []world.Policy, boundary string) {
		for _, a := range attached {
			if s.Managed[a] == nil {
				fail(fmt.Errorf("%s: no managed policy %q", name, a))
			}
		}
		if boundary != "" && s.Managed[boundary] == nil {
			fail(fmt.Errorf("%s: no managed policy %q for the boundary", name, boundary))
		}
		for _, p := range inline {
			parse(name+": policy "+p.Name, name+" "+p.Name, LayerIdentity, p)
		}
	}
	for _, u := range s.World.Users {
		for _, g := range u.Groups {
			if s.Group(g) == nil {
				fail(fmt.Errorf("user %s: no group %q", u.Name, g))
			}
		}
		principal("user/"+u.Name, u.Attached, u.Inline, u.Boundary)
	}
	for _, r := range s.World.Roles {
		principal("role/"+r.Name, r.Attached, r.Inline, r.Boundary)
	}
	for _, g := range s.World.Groups {
		principal("group/"+g.Name, g.Attached, g.Inline, "")
	}
	if e := s.World.Endpoint; e != nil {
		parse("endpoint policy", "endpoint "+e.Name, LayerEndpoint, *e)
	}
	if o := s.World.Organization; o != nil {
		for i, l := range o.Levels {
			for _, p := range l.SCPs {
				parse("SCP "+p.Name, fmt.Sprintf("scp %d %s", i, p.Name), LayerSCP, p)
			}
			for _, p := range l.RCPs {
				parse("RCP "+p.Name, fmt.Sprintf("rcp %d %s", i, p.Name), LayerRCP, p)
			}
		}
	}
	return first
}

// Serve answers on l until ctx ends; it returns when every handler has.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err := srv.Shutdown(late)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil // a client has a connection without a request
		}
		stopped <- errors.Join(err, srv.Close())
	})
	err := srv.Serve(l)
	if !stop() {
		return <-stopped
	}
	return err
}

const maxBody = 1 << 20 // bytes; no operation here takes more

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.admit != nil {
		if err := s.admit(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request too large", http.StatusRequestEntityTooLarge)
		return
	}
	c := s.route(r, body)
	if !s.disturb(w, c) {
		return
	}
	out, err := s.answer(c)
	s.record(c, err)
	c.write(w, out, err)
}

// answer verifies the signature and runs the operation. It holds the account's lock, so
// that an operation sees one state; sessions are started outside the lock.
func (s *Server) answer(c *Request) (any, error) {
	out, err := s.Operate(c)
	if later, ok := out.(Deferred); ok && err == nil {
		return later()
	}
	return out, err
}

// Operate is the part of a call that holds the account's lock. It releases the lock
// even when an operation panics, because net/http ends only that call.
func (s *Server) Operate(c *Request) (any, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	return c.run()
}

// Deferred is the part of an operation that must not hold the account's lock.
type Deferred func() (any, error)
