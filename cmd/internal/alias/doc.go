// Package alias puts ssmguard in front of the AWS CLI and of ssh: shell functions, a
// shim in PATH, an ssh_config block; and takes them back. It never touches what it did
// not write. Start with Run in alias.go.
package alias
