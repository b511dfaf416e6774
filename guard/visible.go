package guard

import (
	"errors"
)

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

// notVisible collects every NotVisible in an error's tree, in order; rest says
// what else it holds, nil when nothing.
func notVisible(err error) (seen []*NotVisible, rest error) {
	if err == nil {
		return nil, nil
	}
	var nv *NotVisible
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var others []error
		for _, e := range joined.Unwrap() {
			s, r := notVisible(e)
			seen = append(seen, s...)
			if r != nil {
				others = append(others, r)
			}
		}
		if len(others) > 0 && len(seen) > 0 {
			return seen, errors.Join(others...)
		} else if len(others) > 0 {
			return nil, err
		}
		return seen, nil
	}
	if errors.As(err, &nv) {
		return []*NotVisible{nv}, nil
	}
	return nil, err
}
