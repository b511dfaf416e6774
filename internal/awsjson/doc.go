// Package awsjson writes JSON as the AWS CLI does, byte for byte. It never reads any.
// Start with Quote in quote.go.
package awsjson
