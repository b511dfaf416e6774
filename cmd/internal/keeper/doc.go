// Package keeper makes the processes that keep tunnels known to each other: their
// records, locks and logs, and the socket on which each answers for the states of its
// tunnels. It never opens a tunnel. Start with Registry in registry.go, then
// control.go.
package keeper
