// Package exit is how a command ends: the table of exit codes, the errors that carry
// one, and the words in which an error reaches a person. It never ends the process,
// which is main's to do. Start with Code in exit.go; voice.go has the words for a
// command line that is wrong.
package exit
