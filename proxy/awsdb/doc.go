// Package awsdb looks up where a database of the account listens, and makes tokens that
// serve as its passwords. It never opens a session, and is the only user of the RDS and
// ElastiCache APIs. Start with Endpoint in awsdb.go.
package awsdb
