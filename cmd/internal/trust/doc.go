// Package trust loads the configuration of tunnels with what the user has trusted of a
// project's file, asks about the rest, and is `ssmguard trust`. It remembers effects of a
// file, never its text, and opens no tunnel. Start with LoadConfig in config.go, then
// store.go.
package trust
