// Package safetexttest tries printers with text of others that would act on a terminal,
// a CI runner or a reader, in every field of what they print. It never prints itself.
// Start with Fill and Fault.
package safetexttest
