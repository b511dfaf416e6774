// Package doctor checks everything that a session depends on, and says what to do about
// each fault. It changes nothing and starts no session. Start with Run in doctor.go;
// net.go has the endpoints, the clock and the proxy.
package doctor
