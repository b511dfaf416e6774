// Package repair finds the smallest change of policies that lets a denied request
// through, and proves it: the changed policies are evaluated for the request and for
// its neighbours. It never changes a policy and never words a denial. Start with
// Propose in repair.go; candidates.go has the ways to change a layer, neighbours.go what a
// repair should leave alone.
package repair
