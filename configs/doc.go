// Package configs is what a user writes: types, what loads and checks them, and
// the files we ship (our defaults, examples, alias snippets).
package configs
