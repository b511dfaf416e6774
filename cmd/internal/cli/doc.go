// Package cli joins the commands that each room declares: the table of commands, the man
// page, and the one place that runs a command line. It has no command of its own but help
// and version. Start with Main in main.go, then app.go.
package cli
