// Package scan reads JSON from a text, member by member, without building a tree: twice
// given members are its caller's to see, and a fault has its line and column. It takes
// what encoding/json takes, and no text that is not UTF-8. Start with Scanner in scan.go.
package scan
