// Package plugin runs the official session-manager plugin, embedded in our own
// binary or an external one, always as a child process.
package plugin
