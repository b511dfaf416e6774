// Package tunnel is `ssmguard tunnel`: local ports that lead to a port behind a
// bastion and stay open, in the foreground and in the background, and how a client
// connects to what is behind them. It never decides and never speaks the data
// channel's protocol. Start with verbs.go, then open.go and keep.go.
package tunnel
