// Package api receives requests and sends answers, for all services of a stand-in
// account on one loopback endpoint: it verifies signatures, finds callers, authorizes
// every call with the caller's policies, and words refusals as AWS does. It has no
// service of its own: package account has the operations. Start with Server in
// server.go, then call.go and authorize.go.
package api
