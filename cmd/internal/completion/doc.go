// Package completion says how a command line may go on, for the tab key of a shell.
// It never writes to stderr and never fails. Start with Complete in completion.go;
// live.go asks the account.
package completion
