// Package policyfile reads policies that are in files: policies as they stand, plans and
// states of Terraform, templates of CloudFormation, outputs of the AWS CLI. It finds out
// whose they are, and names what it could not read; it never asks AWS and never decides
// what they allow. Start with Read in reading.go; the forms are the table in forms.go.
package policyfile
