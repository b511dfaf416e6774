// Package gateway is a loopback message gateway and agent: it speaks the data
// channel to the real plugin, and plays the instance behind it.
package gateway
