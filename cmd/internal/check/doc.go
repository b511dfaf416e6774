// Package check asks and starts nothing: check, matrices, what-if, policy, explain and
// eval. It never opens a session and never changes a policy. Start with Run in check.go;
// files.go is the same without AWS, of policies that policyfile has read.
package check
