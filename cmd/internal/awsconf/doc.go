// Package awsconf is the AWS CLI v2's configuration: which profile, region, endpoint,
// credentials, proxies, certificates and retries a command gets from its options, the
// environment and the files in ~/.aws. Where the AWS SDK for Go decides otherwise than
// the CLI, this package decides as the CLI does, so that both act as the same identity
// in the same place; the CLI's own caches of role and SSO credentials are read and
// written, so that a login or an MFA code is not asked for twice.
//
// The environment comes in as a function; nothing here reads the process's own. Start
// with Read in profiles.go, which parses ~/.aws once a run, and Load in session.go;
// chain.go has the order of the sources. Of the SDK's providers ours are built on the
// tokens of ssocreds and the clients of STS, SSO and AWS Sign-In; sdk_test.go holds
// what keeps us from taking the rest.
package awsconf
