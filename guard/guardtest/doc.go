// Package guardtest holds what the tests of guard's rooms share: the public cases of
// ../policy/testdata/start-session.json, and an inventory of facts at hand. Nothing but
// tests imports it. Start with PublicCases in cases.go.
package guardtest
