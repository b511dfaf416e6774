// Package guard decides whether a caller may start a session: a Request has
// Needs, each need is judged, and the rulings make a Decision with Findings.
// It knows nothing of AWS's API and nothing of sessions that run.
package guard

// Caller is who asks. See sts:GetCallerIdentity.
type Caller struct {
	SessionARN string // the ARN STS reports; an assumed-role ARN for roles
	Principal  string // the IAM ARN policies hang on: user, or role with its path; "" when not known
	Account    string // 12 digits
	UserID     string // aws:userid
	Partition  string // aws, aws-cn, aws-us-gov ...
}

// Request is one StartSession call as it would be sent.
type Request struct {
	Caller     Caller
	Region     string
	Target     string              // i-..., mi-..., ecs:cluster_task_runtime
	Document   string              // "" means the default document, SSM-SessionManagerRunShell
	Parameters map[string][]string // as in StartSession
}

// Facts is what could be read about the request's resources. What could not be
// read is named in Unknown and never stands as absent (design law 4).
type Facts struct {
	TargetTags   map[string]string
	DocumentTags map[string]string
	KMSKey       string   // key the session data is encrypted with, "" for none
	Unknown      []string // of "target tags", "document tags", "kms key", ...
}
