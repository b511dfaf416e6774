package database

import (
	"cmp"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
)

// Access is how a client connects to the database behind a tunnel.
type Access struct {
	Name           string // of the tunnel
	Host, Port     string // of the local end
	Socket         string // path of the local end that is a unix socket, instead of Host and Port
	Real           string // the server's own name, for TLS
	User, Database string
	Password       string
	SSLMode        string         // value of PGSSLMODE
	CA             string         // file with the certificates of the server's authority, "" if none is given
	Engine         Engine         // the zero Engine when it is not known
	Called         string         // what AWS calls the engine, such as aurora-mysql
	IAMAuth        bool           // accepts tokens
	TLS            bool           // the server is known to speak TLS
	Shards         int            // of a cache in cluster mode, 0 for others
	Format         string         // one of Formats
	Shell          safetext.Shell // that reads the forms of variables
	Ask            bool           // a client that is started without a password asks for it
}

// called is the engine's name in messages.
func (a Access) called() string {
	return cmp.Or(a.Called, a.Engine.Name, string(a.family()), "this server")
}

// family is the engine's, or what the form is for; "" if neither is known.
func (a Access) family() Family {
	if a.Engine.Family == "" {
		if only := familiesOf(a.Format); len(only) == 1 {
			return only[0]
		}
	}
	return a.Engine.Family
}

// speaksTLS reports whether the server is known to speak TLS.
func (a Access) speaksTLS() bool { return a.TLS || a.Engine.TLS || a.Password != "" }

// FormatFor returns the format of --format, or the engine's own.
func (a Access) FormatFor(asked string) (string, error) {
	family := a.Engine.Family
	if asked == "" {
		return cmp.Or(own[family], "env"), nil
	}
	offer := suiting(family)
	if family != "" && !slices.Contains(offer, asked) {
		last := len(offer) - 1
		return "", exit.Usagef("--format %s does not suit %s; give --format %s or %s", asked, a.called(), strings.Join(offer[:last], ", "), offer[last])
	}
	return asked, nil
}

// KeepsToken refuses a token in a format with which a client may send it without TLS.
func (a Access) KeepsToken() error {
	if formats[a.Format].tls(a) {
		return nil
	}
	instead := ""
	for _, name := range suiting(a.family()) {
		b := a
		b.Format = name
		if name != "json" && formats[name].tls(b) { // that tells of TLS, and its reader has to heed it
			instead = "; give --format " + name
			break
		}
	}
	if a.family() == "" {
		instead = "; give --engine"
	}
	what := "the form " + a.Format + " does not make"
	if a.Format == "url" {
		what = "no URL makes"
	}
	return exit.Usagef("a token is sent over TLS only, and %s every client of %s use TLS%s", what, a.called(), instead)
}

// Hint says how the client verifies the server, "" if there is nothing to say.
func (a Access) Hint() string {
	f := formats[a.Format]
	switch {
	case a.Socket != "":
		return a.socketHint()
	case a.Real == "" || f.hint == nil:
		return ""
	}
	return f.hint(a)
}

// Members says that clients of the engine leave the tunnel for members that a server names,
// "" if they do not, or if the form keeps them at the tunnel.
func (a Access) Members() string {
	if a.Engine.Family == MongoDB && (a.Format == "mongodb" || a.Format == "url" || a.Format == "dotenv") {
		return ""
	}
	if a.Engine.Family == Redis && a.Shards > 1 {
		return shards
	}
	return a.Engine.Members
}

// shards is what clients of a cache in cluster mode do. CLUSTER SLOTS may name no endpoints
// (cluster-preferred-endpoint-type unknown-endpoint), which means the address that was asked.
const shards = "clients in cluster mode connect to each shard, past the tunnel; the proxy of `tunnel up --socks` carries them. " +
	"Where the server names no endpoints of its nodes, go-redis 9.23 answers nil for keys that exist and ioredis 6.0 fails; valkey-go 1.0 and npm's redis 6.3 do not"

// Text returns the access in its format. Control characters are refused in every
// format.
func (a Access) Text() (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	if a.Socket != "" {
		return a.overSocket()
	}
	return formats[a.Format].write(a)
}

// check refuses values that no client takes.
func (a Access) check() error {
	for _, v := range []setting{{"host", a.Host}, {"port", a.Port}, {"socket", a.Socket}, {"server's name", a.Real}, {"user", a.User}, {"database", a.Database}, {"password", a.Password}, {"authority's file", a.CA}} {
		if at := strings.IndexFunc(v.value, safetext.Control); at >= 0 {
			return exit.Usagef("the %s has the control character %U; give another", v.name, []rune(v.value[at:])[0])
		}
	}
	// Some of PostgreSQL's programs, such as pgbench, read such a PGDATABASE as
	// settings: another host, no TLS.
	if a.family() == Postgres && slices.Contains([]string{"psql", "dotenv", "env"}, a.Format) && (strings.Contains(a.Database, "=") || strings.Contains(a.Database, "://")) {
		return exit.Usagef("PostgreSQL's programs would read the database %q as connection settings; give --database", a.Database)
	}
	return nil
}

// setting is a variable of a client's environment, or a line of its file.
type setting struct{ name, value string }

// real returns the name for TLS: the server's own, or that of the local end.
func (a Access) real() string { return cmp.Or(a.Real, a.Host) }
