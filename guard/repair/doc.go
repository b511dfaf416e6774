// Package repair finds the smallest change of policies that lets a denied request
// through, and proves it: the changed policies are evaluated for the request and for
// its neighbours. It never changes a policy and never words a denial. Start with
// Propose in repair.go; steps.go has the candidates, probe.go the neighbours.
package repair
