// Package pick lets the user choose one of several things on a terminal: a list that what is
// typed filters. It knows rows of text and nothing of what they stand for, and leaves the
// choice on the screen. Start with One in pick.go.
package pick
