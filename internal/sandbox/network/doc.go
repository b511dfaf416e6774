// Package network is what a stand-in account has of Amazon VPC: subnets, security groups and
// prefix lists as EC2 describes them, and whether they let a connection of a node through.
// It never connects anything; package sandbox does. Start with Operations in describe.go, or
// with Admits in admits.go.
package network
