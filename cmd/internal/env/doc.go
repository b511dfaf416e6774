// Package env is what a command has of the process around it: streams, environment,
// directories, terminal and signals. It never knows a command, AWS or a session.
// Start with Process in process.go.
package env
