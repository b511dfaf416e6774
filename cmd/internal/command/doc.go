// Package command declares a command: its name, its options, its examples. Help pages,
// suggestions, completion, the man page and the tables of the manuals are made of these
// declarations, and the options are parsed by them. It never runs anything by itself
// and imports no package that has commands. Start with Command in command.go, then Flag
// in flag.go.
package command
