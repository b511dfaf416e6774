// Package keeper makes the processes that keep tunnels known to each other: their
// records, locks, logs, and the socket on which each is asked where its tunnels stand.
// It never opens a tunnel. Start with Registry in registry.go, then control.go.
package keeper
