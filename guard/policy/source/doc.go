// Package source knows a policy document as the text that people read and edit: where in
// it a part of a statement stands, how it is printed, the smallest edit that makes one
// statement another, and the patch that shows it. It never decides what a policy means,
// and writes no file. Start with Locate in locate.go, then Replace in edit.go.
package source
