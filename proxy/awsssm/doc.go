// Package awsssm opens, resumes and ends sessions through the SSM API.
package awsssm
