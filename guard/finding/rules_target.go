package finding

import "ssmguard/guard"

// targetRules are the faults of ssm:StartSession on the target, and of tags.
var targetRules = []Rule{
	{Code: "SG200", Since: since, Title: "the target is not granted",
		DependsOn: []guard.Code{"SG201", "SG202", "SG203", "SG204", "SG205", "SG206", "SG207", "SG208", "SG211"},
		Text: "No statement allows ssm:StartSession on the target. An EC2 instance is arn:aws:ec2:REGION:ACCOUNT:instance/i-..., a managed node " +
			"arn:aws:ssm:REGION:ACCOUNT:managed-instance/mi-..., an ECS task arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/TASK.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`,
			After: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":[
  "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0",
  "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"]}`}},
	{Code: "SG201", Since: since, Title: "the target's tag has another value",
		Text: "The statement allows targets with a certain tag, and this target carries the tag with another value. Tag keys ignore case in conditions, values do not. " +
			"Choose another target, or correct the tag, or widen the condition.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"ssm:resourceTag/Team":"web"}}   the target: Team = Web`,
			After:  `aws ec2 create-tags --resources i-0123456789abcdef0 --tags Key=Team,Value=web`}},
	{Code: "SG202", Since: since, Title: "the target does not carry the tag",
		Text: "The statement allows targets with a certain tag, and this target has no such tag: a condition on an absent key is false.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"ssm:resourceTag/Team":"web"}}   the target: no tags`,
			After:  `aws ec2 create-tags --resources i-0123456789abcdef0 --tags Key=Team,Value=web`}},
	{Code: "SG203", Since: since, Title: "the grant is for another type of resource",
		Text: "ssm:StartSession is allowed on resources of another type than the target. An EC2 instance is a resource of ec2, not of ssm, and a managed node (mi-) is one of ssm; " +
			"arn:aws:ssm:...:instance/... exists nowhere and matches nothing.",
		Example: Example{
			Before: `"Resource":"arn:aws:ec2:*:*:instance/*"          the target: mi-0123456789abcdef0`,
			After:  `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:managed-instance/*"]`}},
	{Code: "SG204", Since: since, Title: "other targets are granted, not this one", DependsOn: []guard.Code{"SG201", "SG202"},
		Text: "ssm:StartSession is allowed on targets of this type, but not on this one.",
		Example: Example{
			Before: `"Resource":"arn:aws:ec2:us-east-1:111122223333:instance/i-0aaaaaaaaaaaaaaaa"`,
			After: `"Resource":["arn:aws:ec2:us-east-1:111122223333:instance/i-0aaaaaaaaaaaaaaaa",
  "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"]`}},
	{Code: "SG205", Since: since, Title: "the target's ARN is of another region, partition or account", DependsOn: []guard.Code{"SG201", "SG202"},
		Text: "The statement covers the target but for the region, partition or account in its ARN. Look at --region first: the statement may be right and the request wrong.",
		Example: Example{
			Before: `"Resource":"arn:aws:ec2:us-east-1:111122223333:instance/*"   the request: --region eu-west-1`,
			After:  `"Resource":"arn:aws:ec2:*:111122223333:instance/*"`}},
	{Code: "SG206", Since: since, Title: "a condition keeps the statement from the target", DependsOn: []guard.Code{"SG201", "SG202", "SG207", "SG208", "SG805", "SG806", "SG808"},
		Text: "The statement covers the target, but one of its conditions does not hold for this request. A key that the request does not carry makes a condition false, " +
			"unless the operator is negated or ends in IfExists.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"ssm:AccessRequestId":"oi-0123456789ab"}}`,
			After:  `a statement whose conditions hold for a plain StartSession`}},
	{Code: "SG207", Since: since, Title: "the caller does not carry the tag the statement compares with",
		Text: "The statement compares the target's tag with a tag of the caller (aws:PrincipalTag). The caller has no such tag, so the variable has no value and the condition is false. " +
			"Tag the user or role, or pass the tag when the role is assumed.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"ssm:resourceTag/Team":"${aws:PrincipalTag/Team}"}}   the role: no tags`,
			After:  `aws iam tag-role --role-name dev --tags Key=Team,Value=web`}},
	{Code: "SG208", Since: since, Title: "tags of sessions in a statement for StartSession",
		Text: "ssm:resourceTag/aws:ssmmessages:session-id and :target-id are put on a session once it exists. Target and document never carry them, " +
			"so a condition on them keeps StartSession from ever being allowed. They belong to ResumeSession and TerminateSession.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":["ssm:StartSession","ssm:TerminateSession"],"Resource":"*",
 "Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}}}`,
			After: `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"*",
 "Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}}}
and StartSession in a statement of its own`}},
	{Code: "SG209", Since: since, Title: "IfExists opens everything that carries no tag",
		Text: "The statement allows resources whose tag matches IF the tag exists. Everything without the tag, every untagged target and every document, is allowed as well. " +
			"Mostly the IfExists was added to reach the document; grant the document in a statement of its own instead.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*",
 "Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Team":"web"}}}`,
			After: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*",
 "Condition":{"StringEquals":{"ssm:resourceTag/Team":"web"}}},
{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`}},
	{Code: "SG210", Since: since, Title: "the target is denied", DependsOn: []guard.Code{"SG805", "SG806", "SG808"},
		Text: "A Deny statement matches the target, and a Deny wins over every Allow. Mostly it is there on purpose, to keep people from production: ask its owner before changing it.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*",
 "Condition":{"StringEquals":{"ssm:resourceTag/Environment":"Prod"}}}`,
			After: `choose a target the statement does not match, or ask for an exception`}},
	{Code: "SG211", Since: since, Title: "the target is granted for another action",
		Text: "A statement names the target, but for an action such as ssm:SendCommand. A session needs ssm:StartSession.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:SendCommand","Resource":"arn:aws:ec2:*:*:instance/*"}`,
			After:  `{"Effect":"Allow","Action":["ssm:SendCommand","ssm:StartSession"],"Resource":"arn:aws:ec2:*:*:instance/*"}`}},
}
