// Package world is what the sandbox's account holds: who may do what in it, and what there
// is, as a file says it or as a test writes it down. It never answers a call or decides one,
// which is for the package account. Start with World in world.go, and with Load for files.
package world
