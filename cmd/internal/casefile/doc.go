// Package casefile keeps one decision in a file, to be looked at elsewhere: who asked for
// what, the policies that bear on it, what is known of the target, what judges said that
// cannot be asked again. It holds no credentials, asks nobody, and does not say what a
// decision means. Start with Of in case.go, then Decide in replay.go.
package casefile
