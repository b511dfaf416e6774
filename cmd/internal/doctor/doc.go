// Package doctor looks at everything that a session depends on, and says of each what
// to do. It changes nothing and starts no session. Start with Run in doctor.go; net.go
// has the endpoints, the clock and the proxy.
package doctor
