// Package lint is `ssmguard lint`: policies of files, folders and standard input, looked at
// without a request. It asks nobody, decides nothing and changes no file. Start with run in
// lint.go; what is looked for is guard/lint's.
package lint
