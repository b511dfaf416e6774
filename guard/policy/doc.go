// Package policy is the IAM policy language: it parses policy documents and
// evaluates requests against them, three-valued and without short-circuit.
package policy
