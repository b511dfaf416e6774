// Package configs is what a user writes: types, Load and Validate, and the
// files we ship (worlds for the sandbox, examples, alias snippets).
package configs
