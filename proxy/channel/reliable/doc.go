// Package reliable keeps the messages of a data channel whole and in order over
// connections that come and go: Sender keeps ours until they are acknowledged, within a
// Window and, on a path that has lost something, at the rate that it carries (pacer.go);
// Receiver puts the agent's into order. It reads no clock, does no I/O and has no
// goroutine; whoever uses it holds a lock. Start with Sender in sender.go.
package reliable
