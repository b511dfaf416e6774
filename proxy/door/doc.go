// Package door is the local end of a tunnel: a listener that outlives the sessions
// behind it. It opens loopback addresses and admits the own user and root, unless more is
// allowed, names the process that holds a port in use, and never knows the carried data.
// Start with Open in door.go; what systems do otherwise than Linux is in system.go.
package door
