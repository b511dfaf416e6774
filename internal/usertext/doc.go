// Package usertext reads the texts that people hand us, in the forms in which the systems'
// own tools write them: UTF-8 with or without a byte order mark, UTF-16 as Windows
// PowerShell's > writes it, line ends of Windows; and writes a changed text in the form that
// it had. It never knows what a text says. Start with Decode in usertext.go.
package usertext
