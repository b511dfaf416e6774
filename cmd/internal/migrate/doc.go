// Package migrate finds the tunnels that somebody has with other tools (the AWS CLI's aliases
// and a shell's history, Basti, ssm-session-client) and writes them into a configuration file,
// after they were shown. It opens none. Start with Command in command.go; a tool is a file
// with a function that is listed in sources.go.
package migrate
