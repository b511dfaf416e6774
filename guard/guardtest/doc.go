// Package guardtest holds what the tests of guard's rooms share, and those of
// cmd/internal/report: the public cases of ../policy/testdata/start-session.json, a
// situation for every rule, an inventory of facts at hand and a judge with one opinion.
// Nothing but tests and .ci/differential imports it. Start with PublicCases in cases.go and Faults in
// faults.go; random policies are made in dice.go.
package guardtest
