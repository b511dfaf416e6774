// Package sandbox has the commands that serve a stand-in for AWS: `ssmguard sandbox`
// and `ssmguard demo`. The stand-in itself is internal/sandbox; here it is started, told
// of, and left. Start with Command in sandbox.go.
package sandbox
