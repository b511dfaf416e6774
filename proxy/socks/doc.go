// Package socks is the server's side of the two protocols by which a client asks a proxy for
// a connection: SOCKS5 (RFC 1928) and HTTP CONNECT (RFC 9110, 9.3.6). It reads a request and
// writes the answer; it resolves no name, makes no connection, and listens nowhere. Start
// with Request in request.go.
//
// A library was looked at: things-go/go-socks5 v0.1.0 resolves names on this machine unless it
// is given a resolver, opens a UDP port for each ASSOCIATE, reads connections through a buffer,
// and answers a request after its own dialer and copies what follows itself. The connection
// has to go on as it came, so that the data channel knows its program and its half-closed ends.
package socks
