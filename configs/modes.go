package configs

import (
	"slices"
	"strings"
)

// GuardMode is the guard's power over a session.
type GuardMode string

// The modes of the guard.
const (
	GuardOn     GuardMode = "on"
	GuardWarn   GuardMode = "warn"
	GuardStrict GuardMode = "strict"
	GuardOff    GuardMode = "off"
)

// guardModes are the modes of the guard, as a help lists them.
var guardModes = []struct {
	mode       GuardMode
	strictness int
	text       string
}{
	{GuardOn, 2, "stop, if it is proven"},
	{GuardWarn, 1, "explain it and go on"},
	{GuardStrict, 3, "stop, also when it cannot be told"},
	{GuardOff, 0, "ask nothing"},
}

// GuardModes are the names of the modes of the guard.
func GuardModes() (names []string) {
	for _, m := range guardModes {
		names = append(names, string(m.mode))
	}
	return names
}

// GuardText says what the modes of the guard do.
func GuardText() string {
	var texts []string
	for _, m := range guardModes {
		texts = append(texts, string(m.mode)+": "+m.text)
	}
	return "what a denial does. " + strings.Join(texts, "; ")
}

// weakerThan reports whether a mode lets more sessions through than another.
func (m GuardMode) weakerThan(other GuardMode) bool {
	strictness := func(m GuardMode) int {
		at := slices.Index(GuardModes(), string(m))
		if at < 0 {
			return -1
		}
		return guardModes[at].strictness
	}
	return strictness(m) < strictness(other)
}

// The engines that can carry a session.
const (
	EnginePlugin = "plugin" // the official plugin, as a child
	EngineNative = "native" // our own data channel
)

// Who may use a tunnel's port on loopback.
const (
	PeerOwn = "own" // processes of the user who opened it, and root's
	PeerAny = "any" // those of every user of the machine
)

// Peers are the values that a peer may have.
var Peers = []string{PeerOwn, PeerAny}

// DatabaseEngines are the names of the engines of databases: a tunnel's engine may be one,
// which is kept as its db_engine. A test of cmd/internal/database holds them to its table.
var DatabaseEngines = []string{
	"postgres", "mysql", "mariadb", "sqlserver", "oracle", "db2", "redis", "valkey", "memcached", "mongodb", "documentdb", "dsql", "redshift",
	"neptune", "opensearch", "cassandra",
}

// Engines are the values that an engine may have.
var Engines = []string{EnginePlugin, EngineNative}
