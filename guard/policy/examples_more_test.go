package policy

import "testing"

const (
	aliceRole = "arn:aws:iam::111122223333:role/ops/Alice"
	dataKey   = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	ecsTask   = "arn:aws:ecs:us-east-1:111122223333:task/Prod-cluster/5b66e47dcbef9483df9a15a874fac004"
)

func TestExamplesOfMoreServices(t *testing.T) {
	runExamples(t, map[string]example{
		"the same project on both sides": {
			page: "IAM/latest/UserGuide/tutorial_attribute-based-access-control.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Sid": "AllActionsSameProjectSameTeam",
						"Effect": "Allow",
						"Action": "secretsmanager:*",
						"Resource": "*",
						"Condition": {
							"StringEquals": {
								"aws:ResourceTag/access-project": "${aws:PrincipalTag/access-project}",
								"aws:ResourceTag/access-team": "${aws:PrincipalTag/access-team}"
							},
							"ForAllValues:StringEquals": {
								"aws:TagKeys": ["access-project", "access-team", "cost-center", "Name", "OwnedBy"]
							},
							"StringEqualsIfExists": {
								"aws:RequestTag/access-project": "${aws:PrincipalTag/access-project}",
								"aws:RequestTag/access-team": "${aws:PrincipalTag/access-team}"
							}
						}
					},
					{
						"Sid": "DenyUntagging",
						"Effect": "Deny",
						"Action": "secretsmanager:UntagResource",
						"Resource": "*",
						"Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": "access-*"}}
					}
				]
			}`,
			asks: []ask{
				{"same", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", keys{
					"aws:PrincipalTag/access-project": "peg", "aws:PrincipalTag/access-team": "eng",
					"aws:ResourceTag/access-project": "peg", "aws:ResourceTag/access-team": "eng"}, Allow},
				{"another project", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", keys{
					"aws:PrincipalTag/access-project": "peg", "aws:PrincipalTag/access-team": "eng",
					"aws:ResourceTag/access-project": "uni", "aws:ResourceTag/access-team": "eng"}, ImplicitDeny},
				{"neither side has a tag", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", nil, ImplicitDeny},
				{"the tags of the secret are not known", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", keys{
					"aws:PrincipalTag/access-project": "peg", "aws:PrincipalTag/access-team": "eng",
					"aws:ResourceTag/access-project": unknown{}, "aws:ResourceTag/access-team": unknown{}}, Unknown},
				{"the caller has no tags, so nothing can fit", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", keys{
					"aws:ResourceTag/access-project": unknown{}, "aws:ResourceTag/access-team": unknown{}}, ImplicitDeny},
				{"untagging", "secretsmanager:UntagResource", "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-1", keys{
					"aws:PrincipalTag/access-project": "peg", "aws:PrincipalTag/access-team": "eng", "aws:TagKeys": []string{"Name", "access-team"},
					"aws:ResourceTag/access-project": "peg", "aws:ResourceTag/access-team": "eng"}, ExplicitDeny},
			},
		},
		"a key for the session data": {
			page: "systems-manager/latest/userguide/getting-started-restrict-access-quickstart.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": ["kms:GenerateDataKey"],
						"Resource": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-*",
						"Condition": {
							"StringEquals": {"kms:ViaService": "ssm.us-east-1.amazonaws.com"},
							"StringLike": {"kms:EncryptionContext:aws:ssm:SessionId": "${aws:username}-*"}
						}
					}
				]
			}`,
			asks: []ask{
				{"via the service", "kms:GenerateDataKey", dataKey, keys{"kms:ViaService": "ssm.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:ssm:SessionId": "alice-1", "aws:username": "alice"}, Allow},
				{"directly", "kms:GenerateDataKey", dataKey, keys{"kms:EncryptionContext:aws:ssm:SessionId": "alice-1", "aws:username": "alice"}, ImplicitDeny},
				{"another action", "kms:Decrypt", dataKey, keys{"kms:ViaService": "ssm.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:ssm:SessionId": "alice-1", "aws:username": "alice"}, ImplicitDeny},
				{"the session is not known", "kms:GenerateDataKey", dataKey, keys{"kms:ViaService": "ssm.us-east-1.amazonaws.com", "kms:EncryptionContext:*": unknown{}, "aws:username": "alice"}, Unknown},
			},
		},
		"containers": {
			page: "AmazonECS/latest/developerguide/ecs-exec.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "ecs:ExecuteCommand",
						"Resource": ["arn:aws:ecs:*:111122223333:task/Prod-cluster/*", "arn:aws:ecs:*:111122223333:cluster/*"],
						"Condition": {"StringNotEquals": {"ecs:container-name": "production-app"}}
					},
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": "arn:aws:ecs:*:*:task/*",
						"Condition": {"ArnEquals": {"ecs:cluster": "arn:aws:ecs:us-east-1:111122223333:cluster/Prod-cluster"}}
					}
				]
			}`,
			asks: []ask{
				{"a container", "ecs:ExecuteCommand", ecsTask, keys{"ecs:container-name": "sidecar"}, Allow},
				{"the one excluded", "ecs:ExecuteCommand", ecsTask, keys{"ecs:container-name": "production-app"}, ImplicitDeny},
				{"a request without a container", "ecs:ExecuteCommand", ecsTask, nil, Allow},
				{"a session to the task", "ssm:StartSession", ecsTask, keys{"ecs:cluster": "arn:aws:ecs:us-east-1:111122223333:cluster/Prod-cluster"}, Allow},
				{"the service sends no cluster", "ssm:StartSession", ecsTask, nil, ImplicitDeny},
			},
		},
		"roles by path, not to be passed elsewhere": {
			page: "IAM/latest/UserGuide/id_roles_use_passrole.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "iam:PassRole",
						"Resource": "arn:aws:iam::111122223333:role/ops/*",
						"Condition": {"StringEquals": {"iam:PassedToService": ["ssm.amazonaws.com", "ec2.amazonaws.com"]}}
					},
					{
						"Effect": "Allow",
						"Action": ["iam:Get*", "iam:List*"],
						"NotResource": "arn:aws:iam::*:role/ops/secret/*"
					}
				]
			}`,
			asks: []ask{
				{"to a service on the list", "iam:PassRole", aliceRole, keys{"iam:PassedToService": "ssm.amazonaws.com"}, Allow},
				{"to another", "iam:PassRole", aliceRole, keys{"iam:PassedToService": "lambda.amazonaws.com"}, ImplicitDeny},
				{"of another path", "iam:PassRole", "arn:aws:iam::111122223333:role/dev/Alice", keys{"iam:PassedToService": "ssm.amazonaws.com"}, ImplicitDeny},
				{"reading", "iam:GetRole", aliceRole, nil, Allow},
				{"reading what is excluded", "iam:GetRole", "arn:aws:iam::111122223333:role/ops/secret/x", nil, ImplicitDeny},
				{"listing has no resource", "iam:ListRoles", "*", nil, Allow},
			},
		},
		"binary values and what is required to be there": {
			page: "IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "s3:PutObject",
						"Resource": "arn:aws:s3:::reports/*",
						"Condition": {
							"BinaryEquals": {"aws:PrincipalTag/digest": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="},
							"Null": {"s3:x-amz-server-side-encryption": "false", "aws:SourceVpce": "true"}
						}
					}
				]
			}`,
			asks: []ask{
				{"all of it", "s3:PutObject", bucketKey, keys{"aws:PrincipalTag/digest": "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "s3:x-amz-server-side-encryption": "AES256"}, Allow},
				{"another value", "s3:PutObject", bucketKey, keys{"aws:PrincipalTag/digest": "QmluYXJ5", "s3:x-amz-server-side-encryption": "AES256"}, ImplicitDeny},
				{"not encrypted", "s3:PutObject", bucketKey, keys{"aws:PrincipalTag/digest": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, ImplicitDeny},
				{"an empty header", "s3:PutObject", bucketKey, keys{"aws:PrincipalTag/digest": "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "s3:x-amz-server-side-encryption": ""}, ImplicitDeny},
				{"through an endpoint", "s3:PutObject", bucketKey, keys{"aws:PrincipalTag/digest": "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "s3:x-amz-server-side-encryption": "AES256", "aws:SourceVpce": "vpce-1"}, ImplicitDeny},
			},
		},
		"services that call for others": {
			page: "IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-calledvia",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": ["kms:Encrypt", "kms:Decrypt"],
						"Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
						"Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": ["dynamodb.amazonaws.com"]}}
					},
					{
						"Effect": "Allow",
						"Action": "s3:GetObject",
						"Resource": "*",
						"Condition": {"StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}
					}
				]
			}`,
			asks: []ask{
				{"in a chain", "kms:Decrypt", dataKey, keys{"aws:CalledVia": []string{"cloudformation.amazonaws.com", "dynamodb.amazonaws.com"}}, Allow},
				{"in another chain", "kms:Decrypt", dataKey, keys{"aws:CalledVia": []string{"cloudformation.amazonaws.com"}}, ImplicitDeny},
				{"directly", "kms:Decrypt", dataKey, nil, ImplicitDeny},
				{"not known", "kms:Decrypt", dataKey, keys{"aws:CalledVia": unknown{}}, Unknown},
				{"a list without a set operator", "s3:GetObject", bucketKey, keys{"aws:CalledVia": []string{"athena.amazonaws.com"}}, ImplicitDeny},
			},
		},
	})
}
