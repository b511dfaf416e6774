// Package configs is what a user writes: tunnels, settings and matrices, what loads and
// checks them, and the files we ship (our defaults, examples, snippets for shells). It
// never opens a tunnel and never knows the guard. Start with Load in load.go, then
// tunnels.go.
package configs
