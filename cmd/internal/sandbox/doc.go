// Package sandbox has the commands that serve a stand-in for AWS: `ssmguard sandbox`
// and `ssmguard demo`. The stand-in itself is internal/sandbox; this package starts and
// stops it, and prints how to use it. Start with Command in sandbox.go.
package sandbox
