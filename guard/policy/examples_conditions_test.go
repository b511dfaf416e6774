package policy

import "testing"

const bucketKey = "arn:aws:s3:::reports/alice/2026.csv"

func TestExamplesOfConditions(t *testing.T) {
	runExamples(t, map[string]example{
		"several keys, several values": {
			page: "IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {
					"Effect": "Allow",
					"Action": "s3:GetObject",
					"Resource": "*",
					"Condition": {
						"StringEquals": {
							"aws:PrincipalTag/department": ["finance", "hr", "legal"],
							"aws:PrincipalTag/role": ["audit", "security"]
						},
						"ArnLike": {
							"aws:PrincipalArn": [
								"arn:aws:iam::111122223333:user/ana",
								"arn:aws:iam::111122223333:user/m*"
							]
						}
					}
				}
			}`,
			asks: []ask{
				{"one value of each", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "hr", "aws:PrincipalTag/role": "audit", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/mary"}, Allow},
				{"one key does not fit", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "hr", "aws:PrincipalTag/role": "sales", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/ana"}, ImplicitDeny},
				{"one operator does not fit", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "hr", "aws:PrincipalTag/role": "audit", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/zoe"}, ImplicitDeny},
				{"one key is absent", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "hr", "aws:PrincipalArn": "arn:aws:iam::111122223333:user/ana"}, ImplicitDeny},
				{"one key is unknown", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "hr", "aws:PrincipalTag/role": unknown{}, "aws:PrincipalArn": "arn:aws:iam::111122223333:user/ana"}, Unknown},
				{"unknown, but another does not fit", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/department": "sales", "aws:PrincipalTag/role": unknown{}}, ImplicitDeny},
			},
		},
		"negated operators are nor": {
			page: "IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
					{
						"Effect": "Deny",
						"Action": "s3:*",
						"Resource": "*",
						"Condition": {
							"StringNotEquals": {"aws:PrincipalTag/project": ["blue", "green"]}
						}
					}
				]
			}`,
			asks: []ask{
				{"the first", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/project": "blue"}, Allow},
				{"the second", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/project": "green"}, Allow},
				{"neither", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/project": "red"}, ExplicitDeny},
				{"no tag", "s3:GetObject", bucketKey, nil, ExplicitDeny},
				{"not known", "s3:GetObject", bucketKey, keys{"aws:PrincipalTag/*": unknown{}}, Unknown},
			},
		},
		"a second factor required": {
			page: "IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "*", "Resource": "*"},
					{
						"Sid": "DenyAllExceptListedIfNoMFA",
						"Effect": "Deny",
						"NotAction": ["iam:EnableMFADevice", "sts:GetSessionToken"],
						"Resource": "*",
						"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
					}
				]
			}`,
			asks: []ask{
				{"with it", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthPresent": "true"}, Allow},
				{"without", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthPresent": "false"}, ExplicitDeny},
				{"long-term keys have no such key", "s3:GetObject", bucketKey, nil, ExplicitDeny},
				{"an excepted action", "sts:GetSessionToken", "*", nil, Allow},
				{"not known", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthPresent": unknown{}}, Unknown},
				{"an excepted action, not known", "iam:EnableMFADevice", "*", keys{"aws:MultiFactorAuthPresent": unknown{}}, Allow},
			},
		},
		"a second factor not long ago": {
			page: "IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "s3:*",
						"Resource": "*",
						"Condition": {
							"NumericLessThanEquals": {"aws:MultiFactorAuthAge": 3600},
							"Null": {"aws:MultiFactorAuthAge": false}
						}
					}
				]
			}`,
			asks: []ask{
				{"in time", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthAge": "3600"}, Allow},
				{"a fraction too late", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthAge": "3600.5"}, ImplicitDeny},
				{"never", "s3:GetObject", bucketKey, nil, ImplicitDeny},
				{"not known", "s3:GetObject", bucketKey, keys{"aws:MultiFactorAuthAge": unknown{}}, Unknown},
			},
		},
		"between two dates": {
			page: "IAM/latest/UserGuide/reference_policies_examples_aws-dates.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "s3:GetObject",
						"Resource": "*",
						"Condition": {
							"DateGreaterThan": {"aws:CurrentTime": "2026-04-01T00:00:00Z"},
							"DateLessThan": {"aws:CurrentTime": "2026-06-30T23:59:59Z"}
						}
					}
				]
			}`,
			asks: []ask{
				{"within", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": "2026-05-01T12:00:00Z"}, Allow},
				{"within, in another zone", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": "2026-04-01T00:30:00+00:15"}, Allow},
				{"at the very start", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": "2026-04-01T00:00:00Z"}, ImplicitDeny},
				{"still yesterday in UTC", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": "2026-04-01T00:30:00+01:00"}, ImplicitDeny},
				{"after", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": "2026-07-01T00:00:00Z"}, ImplicitDeny},
				{"not known", "s3:GetObject", bucketKey, keys{"aws:CurrentTime": unknown{}}, Unknown},
			},
		},
		"source addresses": {
			page: "IAM/latest/UserGuide/reference_policies_examples_aws_deny-ip.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
					{
						"Effect": "Deny",
						"Action": "*",
						"Resource": "*",
						"Condition": {
							"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24", "2001:db8:1234::/48"]},
							"BoolIfExists": {"aws:ViaAWSService": "false"}
						}
					}
				]
			}`,
			asks: []ask{
				{"inside", "s3:GetObject", bucketKey, keys{"aws:SourceIp": "203.0.113.255", "aws:ViaAWSService": "false"}, Allow},
				{"inside, v6", "s3:GetObject", bucketKey, keys{"aws:SourceIp": "2001:DB8:1234:ffff::1", "aws:ViaAWSService": "false"}, Allow},
				{"outside", "s3:GetObject", bucketKey, keys{"aws:SourceIp": "198.51.100.1", "aws:ViaAWSService": "false"}, ExplicitDeny},
				{"outside, v6", "s3:GetObject", bucketKey, keys{"aws:SourceIp": "2001:db8:1235::1", "aws:ViaAWSService": "false"}, ExplicitDeny},
				{"a service of AWS calls", "s3:GetObject", bucketKey, keys{"aws:SourceIp": "198.51.100.1", "aws:ViaAWSService": "true"}, Allow},
				{"no address at all", "s3:GetObject", bucketKey, nil, ExplicitDeny},
				{"address not known", "s3:GetObject", bucketKey, keys{"aws:SourceIp": unknown{}, "aws:ViaAWSService": "false"}, Unknown},
				{"address not known, but a service calls", "s3:GetObject", bucketKey, keys{"aws:SourceIp": unknown{}, "aws:ViaAWSService": "true"}, Allow},
			},
		},
		"all tag keys among some": {
			page: "IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {
					"Effect": "Allow",
					"Action": "ec2:CreateTags",
					"Resource": "*",
					"Condition": {
						"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "webserver"]},
						"Null": {"aws:TagKeys": "false"}
					}
				}
			}`,
			asks: []ask{
				{"one", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"webserver"}}, Allow},
				{"both", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"webserver", "environment"}}, Allow},
				{"one more", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"webserver", "costcenter"}}, ImplicitDeny},
				{"values have case", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"WebServer"}}, ImplicitDeny},
				{"none", "ec2:CreateTags", aliceNode, nil, ImplicitDeny},
				{"not known", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": unknown{}}, Unknown},
			},
		},
		"all values without a guard": {
			page: "IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {
					"Effect": "Allow",
					"Action": "ec2:CreateTags",
					"Resource": "*",
					"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": "key*"}}
				}
			}`,
			asks: []ask{
				{"they fit", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"key1", "key2"}}, Allow},
				{"one does not", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"key1", "x"}}, ImplicitDeny},
				{"none is overly permissive", "ec2:CreateTags", aliceNode, nil, Allow},
			},
		},
		"any tag key denied": {
			page: "IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*"},
					{
						"Effect": "Deny",
						"Action": "ec2:CreateTags",
						"Resource": "*",
						"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "environment"}}
					}
				]
			}`,
			asks: []ask{
				{"among others", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"environment", "x"}}, ExplicitDeny},
				{"not among them", "ec2:CreateTags", aliceNode, keys{"aws:TagKeys": []string{"y", "x"}}, Allow},
				{"none", "ec2:CreateTags", aliceNode, nil, Allow},
			},
		},
		"a home folder": {
			page: "IAM/latest/UserGuide/reference_policies_variables.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Action": ["s3:ListBucket"],
						"Effect": "Allow",
						"Resource": ["arn:aws:s3:::reports"],
						"Condition": {"StringLike": {"s3:prefix": ["${aws:username}/*", ""]}}
					},
					{
						"Action": ["s3:GetObject", "s3:PutObject"],
						"Effect": "Allow",
						"Resource": ["arn:aws:s3:::reports/${aws:username}/*"]
					},
					{
						"Action": ["s3:GetObject"],
						"Effect": "Allow",
						"Resource": ["arn:aws:s3:::reports/team-${aws:PrincipalTag/team, 'company-wide'}/*"]
					}
				]
			}`,
			asks: []ask{
				{"own object", "s3:PutObject", bucketKey, keys{"aws:username": "alice"}, Allow},
				{"another's object", "s3:PutObject", bucketKey, keys{"aws:username": "bob"}, ImplicitDeny},
				{"the prefix of the own", "s3:ListBucket", "arn:aws:s3:::reports", keys{"aws:username": "alice", "s3:prefix": "alice/2026"}, Allow},
				{"the top", "s3:ListBucket", "arn:aws:s3:::reports", keys{"aws:username": "alice", "s3:prefix": ""}, Allow},
				{"the prefix of another", "s3:ListBucket", "arn:aws:s3:::reports", keys{"aws:username": "alice", "s3:prefix": "bob/"}, ImplicitDeny},
				{"the team's folder", "s3:GetObject", "arn:aws:s3:::reports/team-red/x", keys{"aws:PrincipalTag/team": "red"}, Allow},
				{"without a team the common one", "s3:GetObject", "arn:aws:s3:::reports/team-company-wide/x", nil, Allow},
				{"with a team not the common one", "s3:GetObject", "arn:aws:s3:::reports/team-company-wide/x", keys{"aws:PrincipalTag/team": "red"}, ImplicitDeny},
				{"a team with a wildcard", "s3:GetObject", "arn:aws:s3:::reports/team-red/x", keys{"aws:PrincipalTag/team": "*"}, ImplicitDeny},
				{"the team is not known", "s3:GetObject", "arn:aws:s3:::reports/team-red/x", keys{"aws:PrincipalTag/team": unknown{}}, Unknown},
			},
		},
		"special characters": {
			page: "IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "s3:GetObject",
						"Resource": ["arn:aws:s3:::reports/${*}/*", "arn:aws:s3:::reports/why${?}", "arn:aws:s3:::reports/${$}{aws:username}"]
					}
				]
			}`,
			asks: []ask{
				{"a literal star", "s3:GetObject", "arn:aws:s3:::reports/*/x", nil, Allow},
				{"no wildcard", "s3:GetObject", bucketKey, nil, ImplicitDeny},
				{"a literal mark", "s3:GetObject", "arn:aws:s3:::reports/why?", nil, Allow},
				{"any other character", "s3:GetObject", "arn:aws:s3:::reports/whyx", nil, ImplicitDeny},
				{"a literal dollar", "s3:GetObject", "arn:aws:s3:::reports/${aws:username}", keys{"aws:username": "alice"}, Allow},
			},
		},
	})
}
