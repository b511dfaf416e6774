// Package finding says what a Decision means: which grant is missing, which
// statement came closest and why it missed, what could not be read, what AWS's own
// refusal says, and the page of every finding. It never decides anything and never
// repairs anything. Start with Explain in diagnose.go; the pages are in pages/*.txt.
package finding
