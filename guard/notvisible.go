package guard

// NotVisible is the error of evidence that could not be read because the
// caller lacks a permission. It never stops a session; it becomes a finding
// that names the permission.
type NotVisible struct {
	Permission string // the missing permission: "iam:GetRolePolicy"
	Resource   string // on which resource, "" when that says nothing
	Cause      string // what AWS said, one line
}

// Error returns `not visible: iam:GetRole on arn:...: cause`.
func (e *NotVisible) Error() string {
	s := "not visible: " + e.Permission
	if e.Resource != "" {
		s += " on " + e.Resource
	}
	if e.Cause != "" {
		s += ": " + e.Cause
	}
	return s
}
