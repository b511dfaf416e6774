package plugin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"ssmguard/internal/peer"
)

// lender gives an external plugin credentials by the protocol of containers' endpoints,
// which every SDK of AWS knows: over loopback, to whoever has a token that is in the
// plugin's environment only, and on Linux to processes of our user and root.
type lender struct {
	keys   func(context.Context) (Credentials, error)
	token  string
	server *http.Server
	listen net.Listener
	served chan struct{}
}

// lend starts a lender; close ends it.
func lend(keys func(context.Context) (Credentials, error)) (*lender, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &lender{keys: keys, token: rand.Text(), listen: listener, served: make(chan struct{})}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: 10 * time.Second, ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}}
	go func() {
		defer close(l.served)
		l.server.Serve(listener) //nolint:errcheck // it ends by close
	}()
	return l, nil
}

// connKey is the key of a request's connection.
type connKey struct{}

func (l *lender) close() {
	l.server.Close()
	<-l.served
}

// environ is an environment in which SDKs find these credentials and no others. Files of
// profiles are left out: credentials in them come first.
func (l *lender) environ(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(otherSources, name)
	})
	return append(env, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"+l.listen.Addr().String()+"/", "AWS_CONTAINER_AUTHORIZATION_TOKEN="+l.token)
}

// otherSources are variables by which SDKs would find other credentials.
var otherSources = []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}

// ServeHTTP answers with the credentials that hold now, or with the reason why there are
// none, which SDKs quote.
func (l *lender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	switch err := peer.Check(conn); err.(type) {
	case *peer.ForeignError:
		http.Error(w, "", http.StatusForbidden)
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(l.token)) != 1 {
		http.Error(w, "", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	keys, err := l.keys(r.Context())
	if err != nil {
		w.WriteHeader(http.StatusBadRequest) // which SDKs do not try again
		json.NewEncoder(w).Encode(map[string]string{"code": "CredentialsNotAvailable", "message": err.Error()})
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": keys.AccessKeyID,
		"SecretAccessKey": keys.SecretAccessKey.Reveal(), "Token": keys.SessionToken.Reveal()})
}
