// Package world is the content of the sandbox's account: principals, policies and
// resources, read from a file or written by a test. It never answers or authorizes a
// call; package account does. Start with World in world.go, and with Load for files.
package world
