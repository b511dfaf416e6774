// Package databases is RDS and ElastiCache in a stand-in account: their describe
// operations and their endpoints. It never listens: the services behind the endpoints
// are opened by package sandbox. Start with rds.go; databases.go has what both share.
package databases
