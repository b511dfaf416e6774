// Package session runs one session, from the guard's question to the session's end:
// start-session, `ssmguard aws`, ecs execute-command, ssh-proxy, the choice of a target and
// the native terminal. It never keeps a tunnel open. Start with StartSession in awsline.go
// and Run in start.go.
package session
