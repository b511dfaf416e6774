// Package awscli is the command-line grammar of the AWS CLI v2: which words are
// options, what a --parameters value means, which request comes out, and the
// exact error text and exit code when one of them is wrong. It reads files that
// the command line names and nothing else: no network, no configuration.
//
// The grammar is the CLI's (Python's argparse, json and the CLI's own
// shorthand), so its oddities are kept on purpose: scripts depend on them.
// Strings hold what Python's would: invalid bytes and lone surrogates survive
// and reach the service as \udcXX escapes. Start with Parse in parse.go.
package awscli
