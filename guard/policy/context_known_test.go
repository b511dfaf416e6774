package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContextKnown(t *testing.T) {
	var c Context
	c.Set("ssm:resourceTag/Name", "web")
	c.SetMulti("aws:TagKeys", "a", "b")
	c.SetUnknown("aws:SourceIp")
	c.SetAbsent("aws:MultiFactorAuthPresent")
	c.SetUnknown("aws:PrincipalTag/*")
	if diff := cmp.Diff([]string{"aws:TagKeys", "ssm:resourceTag/Name"}, c.Known()); diff != "" {
		t.Error(diff)
	}
}
