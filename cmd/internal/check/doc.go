// Package check asks and starts nothing: check, matrices, what-if, prove, policy, explain and
// eval. It never opens a session and changes no policy but by --fix. Start with Run in check.go;
// files.go is the same without AWS, of policies that policyfile has read, and prove.go of all
// sessions at once.
package check
