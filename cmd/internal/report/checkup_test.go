package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCheckup: a check is one line in a file, and fits a terminal, with its level in colour.
func TestCheckup(t *testing.T) {
	checks := []Check{{Level: OK, Name: "region", Text: "eu-west-1"}, {Level: Fail, Name: "grant", Text: "ssm:StartSession on that instance", Do: "ask for it"}}
	for _, test := range []struct {
		width  int
		colour bool
		want   string
	}{
		{0, false, "ok    region    eu-west-1\nfail  grant     ssm:StartSession on that instance\n      do        ask for it\n"},
		{40, true, "\x1b[32mok\x1b[0m    region    eu-west-1\n\x1b[1;31mfail\x1b[0m  grant     ssm:StartSession on that\n                instance\n      do        ask for it\n"},
	} {
		var b strings.Builder
		if err := Checkup(&b, checks, test.width, test.colour); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("%d columns: %s", test.width, diff)
		}
	}
}
