package finding

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/memtest"
)

const (
	refused = "User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ssm:StartSession"
	onDoc   = " on resource: arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
	docARN  = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
	userARN = "arn:aws:sts::111122223333:assumed-role/dev/alice"
)

func TestParseRefusal(t *testing.T) {
	sentence := Refusal{User: userARN, Action: "ssm:StartSession", Resource: docARN}
	with := func(change func(*Refusal)) Refusal {
		r := sentence
		change(&r)
		return r
	}
	tests := []struct {
		name, in string
		want     Refusal
	}{
		{"no reason, as older services", refused + onDoc, sentence},
		{"no resource", refused, Refusal{User: userARN, Action: "ssm:StartSession"}},
		{"identity, implicit", refused + onDoc + " because no identity-based policy allows the ssm:StartSession action",
			with(func(r *Refusal) { r.Policy = "identity-based policy" })},
		{"AWS CLI v2", "\naws: [ERROR]: An error occurred (AccessDeniedException) when calling the StartSession operation: " + refused + onDoc +
			"\nbecause no identity-based policy allows the ssm:StartSession action\n",
			with(func(r *Refusal) {
				r.Code, r.Operation, r.Policy = "AccessDeniedException", "StartSession", "identity-based policy"
			})},
		{"SDK for Go", "operation error SSM: StartSession, https response error StatusCode: 400, RequestID: 0-1, AccessDeniedException: " + refused + onDoc,
			with(func(r *Refusal) { r.Code, r.Operation = "AccessDeniedException", "StartSession" })},
		{"explicit, newlines", refused + "\non resource: " + docARN + "\nwith an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/No",
			with(func(r *Refusal) {
				r.Explicit, r.Policy, r.PolicyARN = true, "identity-based policy", "arn:aws:iam::111122223333:policy/No"
			})},
		{"service control policy with its ARN", refused + onDoc + " with an explicit deny in a service control policy: arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-examplepolicyid123",
			with(func(r *Refusal) {
				r.Explicit, r.Policy = true, "service control policy"
				r.PolicyARN = "arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-examplepolicyid123"
			})},
		{"an explicit deny of no kind", refused + onDoc + " with an explicit deny", with(func(r *Refusal) { r.Explicit = true })},
		{"role trust policy", "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/dev with an explicit deny in the role trust policy",
			Refusal{User: "arn:aws:iam::111122223333:user/alice", Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/dev", Explicit: true, Policy: "role trust policy"}},
		{"plugin, KMS", "Encountered error while initiating handshake. KMSEncryption failed on client with status 2 error: Failed to process action KMSEncryption: Error calling KMS GenerateDataKey API: AccessDeniedException: User: " + userARN + " is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:111122223333:key/k because no resource-based policy allows the kms:GenerateDataKey action",
			Refusal{Code: "AccessDeniedException", Operation: "GenerateDataKey", Wrapped: "KMSEncryption", User: userARN, Action: "kms:GenerateDataKey",
				Resource: "arn:aws:kms:us-east-1:111122223333:key/k", Policy: "resource-based policy"}},
		{"encoded", "An error occurred (UnauthorizedOperation) when calling the DescribeInstances operation: You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abc_def",
			Refusal{Code: "UnauthorizedOperation", Operation: "DescribeInstances", Encoded: "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abc_def"}},
		{"the agent", "----------ERROR-------\nUnable to start command: failed to start pty since RunAs user web does not exist\n",
			Refusal{Rule: "SG709"}},
		{"another error", "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0123456789abcdef0 is not connected.",
			Refusal{Code: "TargetNotConnected", Operation: "StartSession", Rule: "SG700", Means: "AWS says the target is not connected, which is no matter of permissions"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseRefusal(tt.in)
			if !ok {
				t.Fatal("not read")
			}
			if strings.Contains(got.Message, "\n") || strings.Contains(got.Message, "An error occurred") {
				t.Errorf("Message = %q", got.Message)
			}
			got.Message = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefusalOfSomethingElse(t *testing.T) {
	if r, ok := ParseRefusal("connection reset by peer"); ok {
		t.Errorf("read something in a plain error: %+v", r)
	}
}

// TestParseRefusalTypes covers the grammar: every policy type, explicit and
// implicit, with blank and with newline.
func TestParseRefusalTypes(t *testing.T) {
	for _, policyType := range policyTypes {
		for _, sep := range []string{" ", "\n", "\r\n  "} {
			article := "a"
			switch policyType {
			case "identity-based policy":
				article = "an"
			case "role trust policy":
				article = "the"
			}
			deny, _ := ParseRefusal(refused + onDoc + sep + "with an explicit deny in " + article + " " + policyType)
			if !deny.Explicit || deny.Policy != policyType || deny.Resource != docARN {
				t.Errorf("explicit %s: %+v", policyType, deny)
			}
			miss, _ := ParseRefusal(refused + onDoc + sep + "because no " + policyType + " allows the ssm:StartSession action")
			if miss.Explicit || miss.Policy != policyType || miss.Resource != docARN {
				t.Errorf("implicit %s: %+v", policyType, miss)
			}
		}
	}
}

func FuzzParseRefusals(f *testing.F) {
	f.Add(refused + onDoc + " with an explicit deny in a session policy")
	f.Add("An error occurred (AccessDeniedException) when calling the StartSession operation: " + refused)
	f.Add("Encoded authorization failure message: AAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("User: arn: is not authorized to perform: a:b on resource: ")
	for _, m := range fieldMessages(f) {
		f.Add(m.Text)
	}
	f.Fuzz(func(t *testing.T, in string) {
		defer memtest.Bounded(t, len(in))()
		all := ParseRefusals(in)
		if first, ok := ParseRefusal(in); ok != (len(all) > 0) || ok && !cmp.Equal(first, all[0]) {
			t.Errorf("the first is %+v of %+v", first, all)
		}
		for _, r := range all {
			if r.Rule == "" && r.Action == "" && r.Code == "" && r.Encoded == "" {
				t.Errorf("says nothing: %+v", r)
			}
			for _, text := range []string{r.Code, r.Operation, r.User, r.Action, r.Resource, r.Policy, r.PolicyARN, r.Encoded, r.Message} {
				if plainText(text) != text || strings.Contains(text, "\n") {
					t.Errorf("not plain: %q", text)
				}
			}
			for _, arn := range []string{r.User, r.Resource, r.PolicyARN} {
				if strings.ContainsAny(arn, " \"'`<>|()[]{}\\;&") {
					t.Errorf("more than an ARN: %q", arn)
				}
			}
			again, _ := ParseRefusal(r.Message)
			if r.Rule == "" && r.Action != "" && (again.Action != r.Action || again.Resource != r.Resource || again.Reason() != r.Reason()) {
				t.Errorf("reading the message again gives %+v, first %+v", again, r)
			}
		}
		for _, finding := range Pasted(all).Findings {
			whole(t, finding.Code, finding)
		}
	})
}
