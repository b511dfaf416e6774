// Package exit is how a command ends: the table of exit codes, the errors that carry a
// code, and the text of errors for people. It never ends the process; main does. Start
// with Code in exit.go; voice.go has the words for a command line that is wrong.
package exit
