// Package relay carries a tunnel's sessions with the official plugin, which listens apart and
// gets the tunnel's connections passed on, and finds out whether the remote port answers. It
// opens no session and knows no configuration. Start with Tunnel in relay.go.
package relay
