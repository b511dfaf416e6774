package finding

import "ssmguard/guard"

const ownSessions = `{"Effect":"Allow","Action":["ssm:ResumeSession","ssm:TerminateSession"],"Resource":"*",
 "Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}}}`

// sessionRules are the faults of the actions on the session itself.
var sessionRules = []Rule{
	{Code: "SG300", Since: since, Title: "the session cannot be resumed or ended by its owner",
		DependsOn: []guard.Code{"SG301", "SG302", "SG304", "SG305", "SG306"},
		Text: "ssm:ResumeSession reconnects after a short loss of the network, ssm:TerminateSession ends the session when it is left. Without them the session starts, but does not survive a drop " +
			"and lingers until its idle timeout. The form that works for every kind of caller compares the session's system tag with aws:userid.",
		Example: Example{Before: `no statement for ssm:ResumeSession and ssm:TerminateSession`, After: ownSessions}},
	{Code: "SG301", Since: since, Title: "${aws:username} in the session ARN of a role",
		Text: "aws:username exists for IAM users only. For a role, an SSO permission set included, the variable has no value, and a resource with an unresolved variable matches nothing.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":["ssm:ResumeSession","ssm:TerminateSession"],
 "Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}`,
			After: ownSessions}},
	{Code: "SG302", Since: since, Title: "${aws:userid}-* matches no session id",
		Text: "Session ids begin with the user name or the role session name. aws:userid begins with the unique id (AIDA..., AROA...:name), so session/${aws:userid}-* matches none of the ids that have been seen, " +
			"although AWS's samples print it. Which resource AWS evaluates for OpenDataChannel is not documented; * is safe there.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":["ssm:ResumeSession","ssm:TerminateSession"],
 "Resource":"arn:aws:ssm:*:*:session/${aws:userid}-*"}`,
			After: ownSessions}},
	{Code: "SG303", Since: since, Title: "ssmmessages:OpenDataChannel is not granted",
		DependsOn: []guard.Code{"SG302"},
		Text: "Since version 1.2.764.0 of the session-manager plugin (November 2025) the caller signs the opening of the data channel, and AWS's samples grant ssmmessages:OpenDataChannel. " +
			"Whether AWS enforces it is not documented, so this is a warning. The action has no resource types: grant it on *.",
		Example: Example{
			Before: `no statement for ssmmessages:OpenDataChannel; ssm:* does not cover it`,
			After:  `{"Effect":"Allow","Action":"ssmmessages:OpenDataChannel","Resource":"*"}`}},
	{Code: "SG304", Since: since, Title: "variables in a policy without Version 2012-10-17",
		Text: "A policy without a Version is of 2008-10-17, where ${aws:username} and the like are plain text. The statement matches nothing that it is meant for.",
		Example: Example{
			Before: `{"Statement":[{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}]}`,
			After:  `{"Version":"2012-10-17","Statement":[ ... ]}`}},
	{Code: "SG305", Since: since, Title: "a resource tag that no session carries",
		Text: "Sessions carry two system tags, aws:ssmmessages:session-id and aws:ssmmessages:target-id, and no others. A statement conditioned on the tags of targets never matches a session.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":["ssm:StartSession","ssm:TerminateSession"],"Resource":"*",
 "Condition":{"StringEquals":{"aws:ResourceTag/Team":"web"}}}`,
			After: ownSessions}},
	{Code: "SG306", Since: since, Title: "a condition keeps the statement from the session", DependsOn: []guard.Code{"SG305", "SG805", "SG806", "SG808"},
		Text: "The statement covers the session, but one of its conditions does not hold. The tag aws:ssmmessages:session-id has the value of aws:userid (for a role ROLE-ID:SESSION-NAME), not the session's id.",
		Example: Example{
			Before: `"Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:username}-*"}}`,
			After:  `"Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}}`}},
	{Code: "SG310", Since: since, Title: "an action of the session is denied", DependsOn: []guard.Code{"SG805", "SG806", "SG808"},
		Text: "A Deny statement matches ResumeSession, TerminateSession or OpenDataChannel. The session may start and then fail to open, reconnect or end.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssmmessages:*","Resource":"*"}`,
			After:  `deny what is meant, such as ssmmessages:CreateControlChannel`}},
	{Code: "SG320", Since: since, Title: "the caller may not run commands in the ECS task",
		Text: "ecs:ExecuteCommand is asked for on the task and again on its cluster, and both must be allowed. A condition on ecs:ResourceTag is about the tags of the task in the one " +
			"case and those of the cluster in the other; ecs:container-name is in both.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"arn:aws:ecs:*:111122223333:task/prod/*"}`,
			After:  `{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":["arn:aws:ecs:*:111122223333:task/prod/*","arn:aws:ecs:*:111122223333:cluster/prod"]}`}},
}

// kmsRules are the faults of kms:GenerateDataKey.
var kmsRules = []Rule{
	{Code: "SG400", Since: since, Title: "the session's key is not granted to the caller", DependsOn: []guard.Code{"SG401", "SG402", "SG403"},
		Text: "The document encrypts session data with a KMS key. The plugin calls kms:GenerateDataKey with the caller's credentials after StartSession has succeeded, so without the grant the session starts and then " +
			"fails in the handshake. The node needs kms:Decrypt on the same key. The key policy must allow both, or leave it to IAM.",
		Example: Example{
			Before: `no statement for kms:GenerateDataKey`,
			After:  `{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`}},
	{Code: "SG401", Since: since, Title: "the key is granted for another action",
		Text: "The caller needs kms:GenerateDataKey; kms:Decrypt is what the node needs. A grant of the one is no grant of the other.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`,
			After:  `{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`}},
	{Code: "SG402", Since: since, Title: "the grant is on another key, or on an alias",
		Text: "IAM evaluates the ARN of the key. A statement on an alias ARN matches the alias, which kms:GenerateDataKey never asks for; use the key's ARN, or the condition kms:RequestAlias.",
		Example: Example{
			Before: `"Resource":"arn:aws:kms:us-east-1:111122223333:alias/sessions"`,
			After:  `"Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"`}},
	{Code: "SG403", Since: since, Title: "a condition keeps the statement from the key", DependsOn: []guard.Code{"SG805", "SG806", "SG808"},
		Text: "The statement covers the key, but one of its conditions does not hold. The plugin calls KMS itself, so kms:ViaService is not in the request, and its encryption context is " +
			"aws:ssm:SessionId and aws:ssm:TargetId.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com"}}`,
			After:  `"Condition":{"StringLike":{"kms:EncryptionContext:aws:ssm:TargetId":"i-*"}}`}},
	{Code: "SG404", Since: since, Title: "the key belongs to another account",
		Text: "The key that encrypts the session is of another account. Its key policy must allow the caller as well as the caller's own policies; the key policy cannot be seen from here.",
		Example: Example{
			Before: `kmsKeyId: arn:aws:kms:us-east-1:444455556666:key/...`,
			After:  `the key policy names this account or role for kms:GenerateDataKey`}},
	{Code: "SG410", Since: since, Title: "the use of the key is denied", DependsOn: []guard.Code{"SG805", "SG806", "SG808"},
		Text: "A Deny statement matches kms:GenerateDataKey on the session's key. The session starts and fails in the handshake.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"kms:*","Resource":"*"}`,
			After:  `{"Effect":"Deny","Action":"kms:*","NotResource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`}},
}
