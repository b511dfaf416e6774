// Package awsapi calls services of AWS in the JSON protocol and in the query
// protocols, of which a handful of operations is used, without the SDK's clients for
// them. It is the SDK's middleware (retries, signature, user agent, request ids, error
// types) around bodies of our own: a request is a map or a struct with the names of the
// API, an answer a struct with the fields that are read.
//
// The trade: the packages for EC2, RDS and ElastiCache took 92 of the 177 seconds that
// a first build computes, for eight operations. Those for Systems Manager and KMS are
// linked by the official plugin whether or not we use them, and those for IAM and STS
// by the simulation and by credential providers; not using them saves a megabyte of
// program and the code that turned each typed request and answer into ours. In return,
// names of fields are checked by tests and not by the compiler, and most endpoints are
// derived from the rules of one service, which a test compares with the SDK's for every
// partition. The SDK keeps IAM's simulation, which is asked and answered in nested
// structures.
//
// It reads no configuration by itself. A call that AWS refuses for the time of its
// signature is signed again with the time of the answer, which the AWS CLI does not do: see
// clock.go. Start with Call in api.go.
package awsapi
