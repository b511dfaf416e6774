// Package proxy holds the session that was allowed: how it is opened, handed to a
// plugin or to our own data channel, and kept up. It never asks whether a session is
// allowed, and knows nothing of IAM. Start with proxy.go, then supervisor.go.
package proxy
