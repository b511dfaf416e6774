// Package lint looks at the text of policies: what is wrong with them whatever is asked of
// them. Actions, condition keys and resource types that there are not, ARNs that match
// nothing, conditions that never hold, guards that guard nothing. It knows the services
// that bear on sessions, as AWS's Service Authorization Reference has them, and the names
// of all others. It never decides a request and reads no files. Start with Findings in
// lint.go; services.txt is written by .ci/record-services.
package lint
