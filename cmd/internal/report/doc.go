// Package report turns facts into bytes: text for people, JSON, SARIF and events for
// programs, the live display of a terminal. It never decides anything, and the exit code
// comes from the decision, not from here. Start with Handler in report.go, then text.go.
package report
