// Package scalar reads the values that policies compare by size: numbers, dates in the
// forms that IAM knows, addresses and their prefixes. It knows no operator, and never
// fails: what is none of them is a Value of the Kind None. domain.go says what a key's
// values are. Start with Value in scalar.go.
package scalar
