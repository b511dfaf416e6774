package guard

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard/policy"
)

func TestLeastPrivilegeText(t *testing.T) {
	r := roleRequest
	r.Document = "AWS-StartPortForwardingSessionToRemoteHost"
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "StartSession",
      "Effect": "Allow",
      "Action": "ssm:StartSession",
      "Resource": [
        "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0",
        "arn:aws:ssm:us-east-1::document/AWS-StartPortForwardingSessionToRemoteHost"
      ]
    },
    {
      "Sid": "OwnSessions",
      "Effect": "Allow",
      "Action": [
        "ssm:ResumeSession",
        "ssm:TerminateSession"
      ],
      "Resource": "*",
      "Condition": {
        "StringLike": {
          "ssm:resourceTag/aws:ssmmessages:session-id": "${aws:userid}"
        }
      }
    },
    {
      "Sid": "DataChannel",
      "Effect": "Allow",
      "Action": "ssmmessages:OpenDataChannel",
      "Resource": "*"
    }
  ]
}
`
	if diff := cmp.Diff(want, LeastPrivilege(r, Facts{})); diff != "" {
		t.Error(diff)
	}
}

// TestOptions: what the tag-only policy of the second seed lets one do.
func TestOptions(t *testing.T) {
	doc, err := policy.Parse(policy.Identity, "ssm", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}},
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/AWS-StartSSHSession"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	set := policy.Set{Identity: doc.Statements}
	gotDocuments := Documents(set, roleRequest, []string{"", "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "WebShell"})
	wantDocuments := []Option{{"", policy.Unknown}, {"AWS-StartSSHSession", policy.Allow}, {"AWS-StartPortForwardingSession", policy.ImplicitDeny}, {"WebShell", policy.Unknown}}
	if diff := cmp.Diff(wantDocuments, gotDocuments); diff != "" {
		t.Errorf("documents: %s", diff)
	}
	tags := map[string]map[string]string{"i-0aaaaaaaaaaaaaaaa": {"Name": "bastion"}, "i-0bbbbbbbbbbbbbbbb": nil}
	gotTargets := Targets(set, roleRequest, []string{"i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb", "i-0cccccccccccccccc"}, tags)
	wantTargets := []Option{{"i-0aaaaaaaaaaaaaaaa", policy.Allow}, {"i-0bbbbbbbbbbbbbbbb", policy.ImplicitDeny}, {"i-0cccccccccccccccc", policy.Unknown}}
	if diff := cmp.Diff(wantTargets, gotTargets); diff != "" {
		t.Errorf("targets: %s", diff)
	}
}
