// Package door is the local end of a tunnel: a listener that outlives the sessions
// behind it. It opens loopback addresses unless others are allowed, names the process
// that holds a port in use, and never knows the carried data. Start with Open in
// door.go.
package door
