// Package upgrade opens websockets to message gateways that may want our memory: what comes
// before and in a message is bounded. It signs nothing and knows no session. Start with Dial
// in upgrade.go.
package upgrade
