// Package tunnel is `ssmguard tunnel`: local ports that lead to a port behind a bastion
// and stay open, in the foreground or in the background, and the settings with which a
// client connects through them. It never decides about permissions and never implements
// the data channel's protocol. Start with verbs.go, then open.go and keep.go.
package tunnel
