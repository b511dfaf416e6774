// Package env is the process around a command: streams, environment, directories,
// terminal and signals. It never knows a command, AWS or a session. Start with Process
// in process.go.
package env
