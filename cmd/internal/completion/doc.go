// Package completion offers the next words of a command line, for the tab key of a
// shell. It never writes to stderr and never fails. Start with Complete in
// completion.go; live.go asks the account.
package completion
