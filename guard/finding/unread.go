package finding

import (
	"errors"

	"ssmguard/guard"
)

// notVisible collects every NotVisible in an error's tree, in order; rest says
// what else it holds, nil when nothing.
func notVisible(err error) (seen []*guard.NotVisible, rest error) {
	if err == nil {
		return nil, nil
	}
	var nv *guard.NotVisible
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
		return []*guard.NotVisible{nv}, nil
	}
	return nil, err
}
