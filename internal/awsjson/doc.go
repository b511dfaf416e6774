// Package awsjson calls services of AWS's JSON protocol without the SDK's packages for
// them: of some services a handful of operations is used, and their packages would fill
// tables for all the others at every start of the program, and a start is measured. It
// never signs, retries or reads configuration by itself: those are the SDK's own. Start
// with Call in awsjson.go.
package awsjson
