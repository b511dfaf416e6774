// Package sandbox is a world being served on this machine: an AWS account, the message
// gateway that carries its sessions, and the services behind its instances. It shares no
// code with the clients that are tried against it, and listens on loopback only. Start
// with Open in sandbox.go.
package sandbox
