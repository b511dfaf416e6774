// Package safetext writes text of others (policies, tags, messages of AWS and of far
// ends, names of files, words of a command line) so that the syntax around it stays
// ours: lines of a terminal and of a CI runner's log, words of a shell, option files,
// JSON, URIs. It never decides what is written, and refuses nothing that a person may
// need to see: what is hidden is shown escaped. Start with Line and Fprintf in
// terminal.go.
package safetext
