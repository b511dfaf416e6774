// Package awsiam asks AWS for evidence: who the caller is, which policies bear
// on them, what the simulator says, and what the resources look like.
package awsiam
