package session

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
)

// lateRefusal opens sessions, or not, and remembers which were ended.
type lateRefusal struct {
	err    error
	opened int
	ended  []string
}

func (l *lateRefusal) Open(context.Context) (*proxy.Session, error) {
	l.opened++
	return &proxy.Session{ID: "s-1"}, l.err
}

func (l *lateRefusal) Terminate(_ context.Context, id string) error {
	l.ended = append(l.ended, id)
	return nil
}

// TestUnfound: AWS's refusal of the command is the error where there is one; a
// session that was opened after all is ended; nothing is asked in vain.
func TestUnfound(t *testing.T) {
	missing, refusal := errors.New("no such task"), &proxy.Refused{Code: "InvalidParameterException"}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx       context.Context
		why, open error
		want      error
		opened    int
		ended     []string
	}{
		"refused":     {t.Context(), missing, refusal, refusal, 1, nil},
		"opened":      {t.Context(), missing, nil, missing, 1, []string{"s-1"}},
		"interrupted": {over, missing, nil, missing, 0, nil},
		"no network":  {t.Context(), &proxy.Unreachable{}, nil, nil, 0, nil},
	} {
		opener := &lateRefusal{err: test.open}
		err := notFound(test.ctx, opener, test.why)
		if test.want != nil && !errors.Is(err, test.want) || err == nil {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		if opener.opened != test.opened || cmp.Diff(test.ended, opener.ended) != "" {
			t.Errorf("%s: opened %d, ended %v", name, opener.opened, opener.ended)
		}
	}
}
