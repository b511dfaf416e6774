package finding

import "ssmguard/guard"

const since = "0.1.0"

// documentRules are the faults of ssm:StartSession on the document.
var documentRules = []Rule{
	{Code: "SG100", Since: since, Title: "the session document is not granted",
		DependsOn: []guard.Code{"SG101", "SG102", "SG103", "SG104", "SG105", "SG106", "SG107", "SG108"},
		Text: "StartSession is authorized twice: on the target and on the session document. No statement allows ssm:StartSession on the document. " +
			"This holds for a plain shell too: without --document-name the document is SSM-SessionManagerRunShell of the own account. " +
			"Older texts say the default document is granted implicitly; AWS has checked it since 2024.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`,
			After: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":[
  "arn:aws:ec2:*:*:instance/*",
  "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"]}`}},
	{Code: "SG101", Since: since, Title: "a tag condition that has to match the document too",
		Text: "The statement covers the document, but asks for a resource tag. IAM evaluates target and document one by one, each with its own tags, " +
			"and an AWS-owned document carries none: the condition is false there. Keep the condition on the statement for the targets and grant the document in a " +
			"statement of its own. IfExists is no repair: it would also open every target without the tag.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*",
 "Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`,
			After: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*",
 "Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}},
{"Effect":"Allow","Action":"ssm:StartSession",
 "Resource":"arn:aws:ssm:*::document/AWS-StartPortForwardingSessionToRemoteHost"}`}},
	{Code: "SG102", Since: since, Title: "an account id on a document that AWS owns",
		Text: "Documents whose names begin with AWS- belong to AWS. Their ARN has an EMPTY account field, so an ARN with an account id never matches one. " +
			"Leave the field empty; * matches it as well.",
		Example: Example{
			Before: `"Resource":"arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession"`,
			After:  `"Resource":"arn:aws:ssm:*::document/AWS-StartSSHSession"`}},
	{Code: "SG103", Since: since, Title: "an empty account on a document of the account",
		Text: "SSM-SessionManagerRunShell and the documents you create belong to the account, and their ARN carries its id. An ARN with an empty account field is right for " +
			"AWS-owned documents only and never matches them.",
		Example: Example{
			Before: `"Resource":"arn:aws:ssm:*::document/SSM-SessionManagerRunShell"`,
			After:  `"Resource":"arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell"`}},
	{Code: "SG104", Since: since, Title: "another document is granted, not this one",
		Text: "ssm:StartSession is allowed on some documents, and the one this request uses is not among them. Port forwarding to the instance, port forwarding to a remote host, " +
			"ssh and the plain shell use four different documents, and each needs its grant.",
		Example: Example{
			Before: `"Resource":"arn:aws:ssm:*::document/AWS-StartPortForwardingSession"`,
			After: `"Resource":["arn:aws:ssm:*::document/AWS-StartPortForwardingSession",
  "arn:aws:ssm:*::document/AWS-StartPortForwardingSessionToRemoteHost"]`}},
	{Code: "SG105", Since: since, Title: "the document is granted for another action",
		Text: "A statement names the document, but for an action such as ssm:GetDocument. Reading a document is not starting a session with it: " +
			"the grant on the document is ssm:StartSession, the same action as on the target.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"arn:aws:ssm:*:*:document/*"}`,
			After:  `{"Effect":"Allow","Action":["ssm:GetDocument","ssm:StartSession"],"Resource":"arn:aws:ssm:*:*:document/*"}`}},
	{Code: "SG106", Since: since, Title: "the document does not carry the tag the statement asks for",
		Text: "Documents of the account can carry tags, so one statement with a tag condition can serve target and document, provided both are tagged. This document is not, " +
			"or its tag has another value. Tag the document, or grant it in a statement of its own.",
		Example: Example{
			Before: `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*",
 "Condition":{"StringEquals":{"ssm:resourceTag/Team":"web"}}}`,
			After: `aws ssm add-tags-to-resource --resource-type Document --resource-id WebShell --tags Key=Team,Value=web`}},
	{Code: "SG107", Since: since, Title: "a condition keeps the statement from the document", DependsOn: []guard.Code{"SG101", "SG106", "SG805", "SG806", "SG808"},
		Text: "The statement covers the document, but one of its conditions does not hold for this request. A key that the request does not carry makes every condition false, " +
			"unless the operator is negated or ends in IfExists. aws:CalledVia and its kin, for one, are absent when the CLI calls StartSession itself.",
		Example: Example{
			Before: `"Condition":{"StringEquals":{"aws:CalledViaFirst":"ssm-guiconnect.amazonaws.com"}}`,
			After:  `a statement without that condition, for calls that do not come through the console`}},
	{Code: "SG108", Since: since, Title: "the document's ARN is of another region, partition or account",
		Text: "The statement names this document, but in another region, partition or account. Session documents are used in the region of the session. " +
			"In China and GovCloud only the partition differs: arn:aws-cn, arn:aws-us-gov.",
		Example: Example{
			Before: `"Resource":"arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"`,
			After:  `"Resource":"arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell"`}},
	{Code: "SG110", Since: since, Title: "the document is denied", DependsOn: []guard.Code{"SG111", "SG805", "SG806", "SG808"},
		Text: "A Deny statement matches the document, and a Deny wins over every Allow, administrator rights included. Such a statement is mostly there on purpose, " +
			"often to force the use of another document: ask its owner before changing it.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`,
			After:  `use a document that is not denied: --document-name MyCompany-Shell`}},
	{Code: "SG111", Since: since, Title: "a Deny for everything without a tag also denies every document",
		Text: "The Deny has a negated tag condition and reaches documents. A negated condition is TRUE when the key is absent, and documents rarely carry tags, so it denies every " +
			"document and with it every session. Restrict the Deny to targets.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*",
 "Condition":{"StringNotEquals":{"ssm:resourceTag/Team":"web"}}}`,
			After: `{"Effect":"Deny","Action":"ssm:StartSession",
 "Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:managed-instance/*","arn:aws:ecs:*:*:task/*"],
 "Condition":{"StringNotEquals":{"ssm:resourceTag/Team":"web"}}}`}},
	{Code: "SG112", Since: since, Title: "a Deny that protects nothing",
		Text: "The Deny names a document of the account with an empty account field, or an AWS-owned document with an account id. Such an ARN matches no document, " +
			"so what the statement means to forbid stays allowed.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/SSM-SessionManagerRunShell"}`,
			After:  `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`}},
	{Code: "SG113", Since: since, Title: "the document belongs to another account",
		Text: "The document is named by an ARN of another account. The grant must be on that very ARN, with the owner's account id, and the owner must have shared the document. " +
			"The simulation takes it for access across accounts and cannot see the sharing, so a denial of its own proves nothing.",
		Example: Example{
			Before: `--document-name Shared-Shell`,
			After:  `--document-name arn:aws:ssm:us-east-1:444455556666:document/Shared-Shell`}},
	{Code: "SG114", Since: since, Title: "the document is no session document",
		Text: "Only documents of type Session can start a session. A Command or Automation document is refused with InvalidDocument, whatever the policies say.",
		Example: Example{
			Before: `--document-name AWS-RunShellScript`,
			After:  `--document-name AWS-StartNonInteractiveCommand --parameters command="uptime"`}},
	{Code: "SG115", Since: since, Title: "there is no such session document",
		Text: "The account has no document of this name in the region, or none that is shared with it, or the name begins with AWS- and is none of the session documents that AWS owns. " +
			"StartSession refuses it with InvalidDocument, so no policy is proposed for it: a grant on a name that does not exist allows nothing. " +
			"Documents belong to a region, and their names tell capitals from small letters.",
		Example: Example{
			Before: `--document-name AWS-StartPortForwardSession`,
			After:  `--document-name AWS-StartPortForwardingSession`}},
}
