// Package route decides whether security groups let a connection from a target, the bastion,
// reach a port of a database in the same VPC, which rule is missing if they do not, and
// whether the smallest rule that is offered would do. It has three answers, as the guard
// has: what could not be read is named, and never taken for absent. It asks nobody and
// looks at nothing but security groups: network ACLs, route tables and peering are not
// decided here. Start with Evaluate in evaluate.go; facts.go has what it decides on.
package route
