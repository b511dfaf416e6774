// Package awsconf is the AWS CLI v2's configuration: which profile, region,
// endpoint, credentials, proxies, certificates and retries a command gets from
// its options, the environment and the files in ~/.aws. Where the AWS SDK for Go
// decides otherwise than the CLI, this package decides as the CLI does, so that
// both act as the same identity in the same place; the CLI's own caches of role
// and SSO credentials are read and written, so that nobody is asked twice.
//
// The environment comes in as a function; nothing here reads the process's own. Start
// with Load in session.go; chain.go has the order of the sources.
package awsconf
