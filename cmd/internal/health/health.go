package health

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"ssmguard/cmd/internal/keeper"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/door"
)

// Server answers at one address.
type Server struct {
	door *door.Door
	http *http.Server
}

// New returns a server at an open door. statuses returns the present states of the process's
// tunnels.
func New(d *door.Door, statuses func() []keeper.Status) *Server {
	return &Server{door: d, http: &http.Server{
		Handler:           Handler(statuses),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong they are told
	}}
}

// URL returns where the server answers, for a person.
func (s *Server) URL() string {
	address := s.door.String()
	if strings.HasPrefix(address, "unix:") {
		return address
	}
	return "http://" + address
}

// Serve answers until ctx ends, and then closes the door.
func (s *Server) Serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { s.http.Close() })()
	if err := s.http.Serve(s.door); ctx.Err() == nil {
		return err
	}
	return nil
}

// Handler answers for the tunnels of a process:
//
//	/live     200 as long as the process answers
//	/ready    200 when every tunnel takes connections, else 503 and those that do not
//	/metrics  the numbers, in Prometheus' text format
func Handler(statuses func() []keeper.Status) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "live\n") })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		code, text := readiness(statuses())
		plain(w, code, text)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		safetext.Fprintf(w, "%s", safetext.Own(metrics(statuses())))
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusNotFound, "there are /live, /ready and /metrics\n")
	})
	return local(mux)
}

// plain writes a text.
func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	safetext.Fprintf(w, "%s", safetext.Own(text))
}

// readiness is the answer to /ready.
func readiness(all []keeper.Status) (code int, text string) {
	for _, s := range all {
		if !s.Takes() {
			text += safetext.Sprintf("%s: %s\n", s.Tunnel, s.Name)
		}
	}
	if text != "" {
		return http.StatusServiceUnavailable, text
	}
	return http.StatusOK, "ready\n"
}

// local refuses requests over loopback for another host's name: a page in a browser of this
// machine may have let its own name lead here, to read the answer (DNS rebinding).
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && isLoopback(at.String()) && !isOurs(r.Host) {
			plain(w, http.StatusMisdirectedRequest, "ask by the address, or by localhost\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOurs reports whether a request's host is an address, or the name that every machine has
// for itself.
func isOurs(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return name == "" || strings.EqualFold(name, "localhost") || net.ParseIP(name) != nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
