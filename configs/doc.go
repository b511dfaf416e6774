// Package configs has the files that a user writes (tunnels, settings, matrices and claims),
// loads and checks them, and has the files that we ship (defaults, examples, snippets
// for shells). It never opens a tunnel and never imports the guard. Start with Load in
// load.go, then tunnels.go.
package configs
