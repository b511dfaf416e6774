// Package world is what the sandbox's account holds: who may do what in it, and what there
// is. It never decides or answers anything, which is for the package account. Start with
// World in world.go.
package world
