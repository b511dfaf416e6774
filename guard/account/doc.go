// Package account is an in-memory AWS account served on loopback: STS, IAM, EC2
// and SSM as far as a session needs them, as strict as AWS is documented to be.
package account
