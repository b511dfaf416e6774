// Package screen is how lines lie on a terminal: where they are broken, and what erases them
// again. It writes nothing and asks no terminal. Start with Wrap in screen.go.
package screen
