//go:build unix

package env

// parentProgram is asked on Windows only.
func parentProgram() string { return "" }
