// Package self finds the file of the program that runs, to start it again, also where the
// system does not tell it: a root without /proc. It never starts anything. Start with Path
// in self.go.
package self
