package exit

import (
	"testing"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/env"
)

// A command of the AWS CLI that nobody here has is told as that.
func TestAdviceWithoutAnotherAWS(t *testing.T) {
	wrong := &awscli.UsageError{Code: 252, Message: "argument command: Found invalid choice 's3'"}
	for _, missing := range []bool{true, false} {
		p := &env.Process{Asked: env.Asked{NoOtherAWS: missing}}
		if got := Advice(p, wrong); (got != "") != missing {
			t.Errorf("%v: %q", missing, got)
		}
	}
}

// A region that there is, or may be, is never called missing.
func TestNoRegion(t *testing.T) {
	for region, want := range map[string]string{
		"":              "",
		"us-east-1":     "",
		"us-gov-west-1": "",
		"us-iso-east-1": "",
		"us-iso-moon-1": "",
		"us-esat-1":     "there is no region us-esat-1; did you mean us-east-1?",
		"us-gov-wets-1": "there is no region us-gov-wets-1; did you mean us-gov-west-1?",
		"mars":          "there is no region mars that is known here; check its name, or the network",
	} {
		if got := NoRegion(region); got != want {
			t.Errorf("%q: %q, want %q", region, got, want)
		}
	}
}
