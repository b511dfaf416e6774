// Package dynamic is a proxy for a whole network behind a target, as `ssh -D` is: its clients
// say by SOCKS5 or HTTP CONNECT where they are to be connected, and each destination gets a
// session of its own when it is first asked for, which is kept while it is used. It decides
// by the rules of a configuration, never asks the guard, and does not listen. Start with
// Proxy in proxy.go, then destination.go.
package dynamic
