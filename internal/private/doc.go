// Package private keeps files that one user writes and nobody else may change: state,
// caches and records. It tells directories and files that others may have written, writes
// files whole or not at all, and follows no links in those directories. Modes do not
// depend on the umask. Start with CheckDir in dir.go.
package private
