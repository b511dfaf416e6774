// Package program starts other programs, in place of our process or as children, on
// every system: arguments of batch files are quoted for cmd.exe or refused, exit codes
// and signals are passed on. It never chooses the program. Start with program.go;
// replace_*.go is for the next aws in PATH.
package program
