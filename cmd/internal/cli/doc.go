// Package cli joins the commands of the other packages: it has the table of commands,
// the man page, and runs the command line. Its only commands are help and version.
// Start with Main in main.go, then app.go.
package cli
