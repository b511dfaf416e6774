package policy

import "testing"

const fullAccess = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

func TestExamplesOfLayers(t *testing.T) {
	runExamples(t, map[string]example{
		"a boundary sets the maximum": {
			page: "IAM/latest/UserGuide/access_policies_boundaries.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {"Effect": "Allow", "Action": ["iam:CreateUser", "s3:GetObject"], "Resource": "*"}
			}`,
			boundary: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": ["s3:*", "cloudwatch:*", "ec2:*"], "Resource": "*"}
				]
			}`,
			asks: []ask{
				{"in both", "s3:GetObject", bucketKey, nil, Allow},
				{"not in the boundary", "iam:CreateUser", "*", nil, ImplicitDeny},
				{"not in the identity policy", "ec2:StartInstances", aliceNode, nil, ImplicitDeny},
			},
		},
		"a session policy narrows": {
			page:     "IAM/latest/UserGuide/access_policies.html#policies_session",
			identity: fullAccess,
			session: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"},
					{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::reports/secret/*"}
				]
			}`,
			asks: []ask{
				{"in both", "s3:GetObject", bucketKey, nil, Allow},
				{"not in the session's", "s3:PutObject", bucketKey, nil, ImplicitDeny},
				{"denied by the session's", "s3:GetObject", "arn:aws:s3:::reports/secret/x", nil, ExplicitDeny},
			},
		},
		"regions allowed by a control policy": {
			page:     "organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html",
			identity: fullAccess,
			scp: []string{fullAccess, `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "*", "Resource": "*"},
					{
						"Sid": "DenyAllOutsideEU",
						"Effect": "Deny",
						"NotAction": ["iam:*", "organizations:*", "support:*"],
						"Resource": "*",
						"Condition": {
							"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]},
							"ArnNotLike": {"aws:PrincipalARN": ["arn:aws:iam::*:role/Role1AllowedToBypassThisSCP"]}
						}
					}
				]
			}`},
			asks: []ask{
				{"inside", "ssm:StartSession", aliceNode, keys{"aws:RequestedRegion": "eu-west-1", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/Dev"}, Allow},
				{"outside", "ssm:StartSession", aliceNode, keys{"aws:RequestedRegion": "us-east-1", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/Dev"}, ExplicitDeny},
				{"outside, excepted role", "ssm:StartSession", aliceNode, keys{"aws:RequestedRegion": "us-east-1", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/Role1AllowedToBypassThisSCP"}, Allow},
				{"outside, excepted service", "iam:GetUser", "*", keys{"aws:RequestedRegion": "us-east-1"}, Allow},
				{"no region is given", "ssm:StartSession", aliceNode, nil, ExplicitDeny},
				{"the role is not known", "ssm:StartSession", aliceNode, keys{"aws:RequestedRegion": "us-east-1", "aws:PrincipalArn": unknown{}}, Unknown},
				{"nor need it be", "ssm:StartSession", aliceNode, keys{"aws:RequestedRegion": "eu-west-1", "aws:PrincipalArn": unknown{}}, Allow},
			},
		},
		"an allow list at one level": {
			page:     "organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html",
			identity: fullAccess,
			scp: []string{
				fullAccess,
				`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ec2:*", "cloudwatch:*"], "Resource": "*"}]}`,
				fullAccess,
			},
			asks: []ask{
				{"on the list", "ec2:StartInstances", aliceNode, nil, Allow},
				{"not on the list of the level between", "ssm:StartSession", aliceNode, nil, ImplicitDeny},
			},
		},
		"a perimeter around resources": {
			page:     "organizations/latest/userguide/orgs_manage_policies_rcps_examples.html",
			identity: fullAccess,
			rcp: []string{`{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Sid": "EnforceOrgIdentities",
						"Effect": "Deny",
						"Principal": "*",
						"Action": ["s3:*", "kms:*"],
						"Resource": "*",
						"Condition": {
							"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
							"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}
						}
					},
					{
						"Sid": "EnforceSecureTransport",
						"Effect": "Deny",
						"Principal": "*",
						"Action": "s3:*",
						"Resource": "*",
						"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}
					}
				]
			}`},
			asks: []ask{
				{"one of ours", "s3:GetObject", bucketKey, keys{"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:SecureTransport": "true"}, Allow},
				{"a stranger", "s3:GetObject", bucketKey, keys{"aws:PrincipalOrgID": "o-zzzzzzzzzz", "aws:SecureTransport": "true"}, ExplicitDeny},
				{"a service of AWS", "s3:GetObject", bucketKey, keys{"aws:PrincipalIsAWSService": "true", "aws:SecureTransport": "true"}, Allow},
				{"in the clear", "s3:GetObject", bucketKey, keys{"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:SecureTransport": "false"}, ExplicitDeny},
				{"another service is not concerned", "ssm:StartSession", aliceNode, nil, Allow},
				{"organization not known", "s3:GetObject", bucketKey, keys{"aws:PrincipalOrgID": unknown{}, "aws:SecureTransport": "true"}, Unknown},
				{"not known, but denied for something else", "s3:GetObject", bucketKey, keys{"aws:PrincipalOrgID": unknown{}, "aws:SecureTransport": "false"}, ExplicitDeny},
			},
		},
		"everything but one service": {
			page: "IAM/latest/UserGuide/reference_policies_elements_notaction.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
				]
			}`,
			asks: []ask{
				{"another service", "s3:GetObject", bucketKey, nil, Allow},
				{"that service", "iam:GetUser", "*", nil, ImplicitDeny},
				{"that service in another case", "IAM:getuser", "*", nil, ImplicitDeny},
			},
		},
		"nothing but one bucket": {
			page: "IAM/latest/UserGuide/reference_policies_elements_notresource.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "*", "Resource": "*"},
					{
						"Effect": "Deny",
						"Action": "s3:*",
						"NotResource": ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]
					}
				]
			}`,
			asks: []ask{
				{"an object of it", "s3:GetObject", bucketKey, nil, Allow},
				{"the bucket", "s3:ListBucket", "arn:aws:s3:::reports", nil, Allow},
				{"another bucket", "s3:GetObject", "arn:aws:s3:::other/x", nil, ExplicitDeny},
				{"a bucket that begins alike", "s3:ListBucket", "arn:aws:s3:::reports2", nil, ExplicitDeny},
				{"an action without a resource", "s3:ListAllMyBuckets", "*", nil, ExplicitDeny},
				{"another service", "ssm:StartSession", aliceNode, nil, Allow},
			},
		},
		"actions without resource types": {
			page: "IAM/latest/UserGuide/reference_policies_elements_resource.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:*"},
					{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}
				]
			}`,
			asks: []ask{
				{"an ARN does not cover them", "ssm:DescribeSessions", "*", nil, ImplicitDeny},
				{"a star does", "ec2:DescribeInstances", "*", nil, Allow},
				{"a document has an ARN", "ssm:GetDocument", forwardDoc, nil, Allow},
			},
		},
		"wildcards in ARNs": {
			page: "IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": [
							"arn:aws:ec2:us-east-?:*:instance/i-0123*",
							"arn:aws:ssm:*:document/AWS-Start*"
						]
					},
					{
						"Effect": "Allow",
						"Action": "s3:GetObject",
						"Resource": "arn:aws:s3:::*/test/*"
					}
				]
			}`,
			asks: []ask{
				{"one character", "ssm:StartSession", aliceNode, nil, Allow},
				{"another beginning", "ssm:StartSession", otherNode, nil, ImplicitDeny},
				{"a star that ends a segment", "ssm:StartSession", sshDoc, nil, Allow},
				{"also over an account", "ssm:StartSession", "arn:aws:ssm:us-east-1:111122223333:document/AWS-StartX", nil, Allow},
				{"the name still counts", "ssm:StartSession", defaultDoc, nil, ImplicitDeny},
				{"a star over slashes", "s3:GetObject", "arn:aws:s3:::b/1/2/test/3/o.jpg", nil, Allow},
				{"no such folder", "s3:GetObject", "arn:aws:s3:::b/1/2/tests/3/o.jpg", nil, ImplicitDeny},
			},
		},
	})
}
