// Package account is an in-memory AWS account: STS, IAM, EC2, SSM, KMS, ECS and
// Organizations as far as a session needs them, as strict as AWS is documented to be.
// It reads no signature and authorizes no call: package api does. A world has the
// account's content; api.Channels carries the sessions. Start with New in services.go.
package account
