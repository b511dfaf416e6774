// Package ask turns a command line into a Request that can be decided: it finds the
// configuration, the evidence, the judges, and the input of StartSession. It never
// opens a session and never parses anything but the AWS CLI's grammar and our own
// options. Start with Line in line.go, then connect.go.
package ask
