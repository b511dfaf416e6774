// Package awsssm opens, resumes and ends sessions through the SSM and ECS APIs. It never
// asks whether they are allowed, and turns AWS's refusals into proxy.Refused. Start with
// Client in client.go.
package awsssm
