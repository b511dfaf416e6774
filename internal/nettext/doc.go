// Package nettext says in words what Go's errors of connections and calls say in system
// calls and type names. It never decides what an error means for a session. Start with Of
// in nettext.go.
package nettext
