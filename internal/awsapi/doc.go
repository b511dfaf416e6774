// Package awsapi calls services of AWS in the JSON protocol and in the query
// protocols, of which a handful of operations is used, without the SDK's packages for
// them. It is the SDK's middleware (retries, signature, user agent, request ids, error
// types) around bodies of our own: a request is a map or a struct with the names of the
// API, an answer a struct with the fields that are read.
//
// The trade, against the SDK's packages for EC2, RDS, ElastiCache, Systems Manager and
// KMS: they take 100 of the 177 seconds that a first build computes, and fill 2 MB of
// tables at every start, for seventeen operations that are used; in return, names of
// fields are checked by our tests and not by the compiler, and endpoints are derived
// from the rules of one service, which a test compares with the SDK's for every
// partition. The SDK keeps IAM, whose simulation is asked and answered in nested
// structures, STS and IAM Identity Center, which its credential providers bring along.
//
// It reads no configuration by itself, and corrects no clock: the AWS CLI does not, and
// a repeated StartSession would be a second session. Start with Call in api.go.
package awsapi
