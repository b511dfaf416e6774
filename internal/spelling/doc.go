// Package spelling finds what a mistyped word most likely meant. It never corrects
// anything by itself. Start with Nearest in spelling.go.
package spelling
