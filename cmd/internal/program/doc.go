// Package program starts other people's programs, in our place or beside us, on every
// system: batch files are quoted for cmd.exe or refused, exit codes and signals are
// passed on. It never chooses what to start. Start with program.go; become_*.go is for
// the next aws.
package program
