// Package door is the local end of a tunnel: a listener that outlives the sessions
// behind it. It opens loopback addresses unless told otherwise, says who holds a port
// that is taken, and never knows what is carried. Start with Open in door.go.
package door
