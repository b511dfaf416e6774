// Package who answers, over a whole account, who can open what: `ssmguard who` and `ssmguard
// reach`. It reads what IAM, EC2 and Systems Manager tell of an account, live or from what the
// AWS CLI printed, and names what it could not read. It never decides, which guard/reach does, and
// evaluates no trust policy. Start with run.go, then roll.go for the people, inventory.go for
// targets and documents, stream.go for files, and live.go for AWS.
package who
