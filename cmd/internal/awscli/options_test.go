package awscli

import "testing"

// Help and completion know every option that is parsed, and whether a value follows it.
func TestOptionsAreDescribed(t *testing.T) {
	for _, op := range operations {
		parsed := append(op.parser(false).options, globals...) // --generate-cli-skeleton takes a value or not
		options := Options(op.service, op.name)
		if len(options) != len(parsed) {
			t.Errorf("%s: %d options, %d are parsed", op.name, len(options), len(parsed))
		}
		for _, o := range options {
			for _, p := range parsed {
				takes := o.Value != "" || o.Choices != nil
				if p.flag == o.Flag && (o.Text == "" || takes != (p.values == one)) {
					t.Errorf("%s: %q, takes a value: %v", o.Flag, o.Text, takes)
				}
			}
		}
	}
}
