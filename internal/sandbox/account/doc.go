// Package account is an in-memory AWS account served on loopback: STS, IAM, EC2,
// SSM, KMS, ECS, Organizations, RDS and ElastiCache as far as a session needs
// them, as strict as AWS is documented to be. Requests are signed with Signature Version 4 and
// verified; every call is authorized with the policies of its caller.
//
// A world.World says what the account holds, New opens it, and a Server answers on one
// endpoint for all services. Sessions themselves are carried by Channels.
package account
