package report

import "ssmguard/guard"

// Protocol is the version of the JSON output. It changes when a field changes
// its meaning or goes; new fields do not change it.
const Protocol = 1

// Handler renders the facts of one run, in the order they are known. Every
// error is of the writer below it.
type Handler interface {
	// Config comes first, once.
	Config(Config) error
	// Decision renders what the guard found out about one request.
	Decision(guard.Decision) error
	// Close ends the output. The writer stays open.
	Close() error
}

// Config tells what kind of run the facts belong to.
type Config struct {
	Protocol int
	// CheckOnly is a run that starts nothing: its verdict is the answer, and an
	// allowed request is worth a line.
	CheckOnly bool
	// EachFinding tells the findings one by one, without the verdict: what AWS refused
	// after the guard had answered.
	EachFinding bool
}
