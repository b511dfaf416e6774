// Package localend knows what the system tells of the program at the other end of a
// connection on this machine. It reads and writes nothing, and never waits. Start with
// ProgramAt in program_linux.go.
package localend
