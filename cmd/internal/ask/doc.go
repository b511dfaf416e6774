// Package ask turns a command line into a Request that can be decided: configuration,
// evidence, judges, and the session as it would be opened. It never opens a session
// and never parses anything but the AWS CLI's grammar and our own options. Start with
// Line in line.go, then connect.go.
package ask
