// Package session is one session from the question whether it may be to its end:
// start-session, the AWS CLI's place, ecs execute-command, ssh-proxy, the picker and
// the native terminal. It never keeps a tunnel open. Start with StartSession in
// awsline.go and Run in start.go.
package session
