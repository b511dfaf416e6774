// Package api takes requests in and gives answers out, for all services of a stand-in
// account on one loopback endpoint: signatures are verified, callers found, every call
// authorized with the policies of its caller, refusals worded as AWS words them. It knows
// no service: account gives it the operations. Start with Server in server.go, then
// call.go and authorize.go.
package api
