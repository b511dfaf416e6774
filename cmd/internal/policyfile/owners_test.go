package policyfile

import (
	"fmt"
	"testing"

	"ssmguard/guard"
)

func TestAddressesOfModules(t *testing.T) {
	tests := []struct{ address, module, local, index, outer, name string }{
		{"aws_iam_role.dev", "", "aws_iam_role.dev", "", "", ""},
		{`data.aws_iam_role.dev["a.b"]`, "", "data.aws_iam_role.dev", `["a.b"]`, "", ""},
		{`module.a["x.y"].module.b[0].aws_iam_role.dev[1]`, `module.a["x.y"].module.b[0].`, "aws_iam_role.dev", "[1]", `module.a["x.y"].`, "b"},
		{"module.a.aws_iam_role.dev", "module.a.", "aws_iam_role.dev", "", "", "a"},
		{"module.a", "module.a", "", "", "", "a"},
	}
	for _, tt := range tests {
		module, local, index := splitAddress(tt.address)
		outer, name := lastModule(module)
		got := fmt.Sprint([]string{module, local, index, outer, name})
		if want := fmt.Sprint([]string{tt.module, tt.local, tt.index, tt.outer, tt.name}); got != want {
			t.Errorf("%s: %s, want %s", tt.address, got, want)
		}
	}
}

func TestOwners(t *testing.T) {
	var o owners
	for _, name := range []string{"role/dev", "role/twice", "role/twice", "user/ann", "group/ops"} {
		o.declare(name)
	}
	o.generate("Made")
	o.tie("role/dev", "attachment", true)
	o.tie("attachment", "policy", true)
	o.tie("role/dev", "either", false)
	o.tie("either", "other", true)
	o.tie("", "anyones", true)
	o.tie("user/ann", "group/ops", true)
	o.tie("group/ops", "guardrail", true)
	o.tie("group/ops", "user/ann", true)
	o.tie("role/held", "policy", true)
	tests := []struct {
		caller, knows, held string
		sure                certainty
	}{
		{"role/dev", "role/dev", "policy", certainly},
		{"role/dev", "role/dev", "other", possibly},
		{"role/dev", "role/dev", "anyones", possibly},
		{"role/dev", "role/dev", "guardrail", certainlyNot},
		{"user/ann", "user/ann", "guardrail", certainly},
		{"role/held", "role/held", "policy", certainly},
		{"role/twice", "", "policy", certainlyNot},
		{"role/stack-Made-1A2B3C4D5E6F", "Made", "anyones", possibly},
		{"role/stack-Made-1A2B", "", "", certainlyNot},
		{"role/stack-Unmade-1A2B3C4D5E6F", "", "", certainlyNot},
	}
	for _, tt := range tests {
		if got := o.knows([]string{tt.caller}); got != tt.knows {
			t.Errorf("%s is %q, want %q", tt.caller, got, tt.knows)
		} else if sure := o.of(got)[tt.held]; got != "" && sure != tt.sure {
			t.Errorf("%s has %s: %d, want %d", tt.caller, tt.held, sure, tt.sure)
		}
	}
}

func TestPrincipalNames(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::111122223333:user/team/ann":                                             "[user/ann]",
		"arn:aws:sts::111122223333:assumed-role/dev/alice":                                    "[role/dev]",
		"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_My_Shell_0123456789abcdef/ann": "[role/AWSReservedSSO_My_Shell_0123456789abcdef permission set/My_Shell]",
		"arn:aws:sts::111122223333:federated-user/ann":                                        "[]",
		"arn:aws:iam::111122223333:root":                                                      "[]",
	} {
		if got := fmt.Sprint(principalNames(guard.Caller{SessionARN: arn})); got != want {
			t.Errorf("%s: %s, want %s", arn, got, want)
		}
	}
}
