// Package awscli is the command-line grammar of the AWS CLI v2: which words are
// options, what a --parameters value means, which request comes out, and which
// error, with the CLI's exit code, when one of them is wrong. It reads files that
// the command line names and nothing else: no network, no configuration.
//
// The grammar is the CLI's, so its oddities are kept on purpose, since scripts
// depend on them: abbreviated options, the order of checks, shorthand. Messages say
// what the CLI's say, but where those are Python's own words. What the CLI prints
// without a session (--generate-cli-skeleton) is left to it. Start with Parse in
// parse.go.
package awscli
