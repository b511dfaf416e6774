package finding

import "ssmguard/guard"

// visibleRules are about what could not be seen.
var visibleRules = []Rule{
	{Code: "SG501", Since: since, Title: "the caller's policies cannot be read", DependsOn: nil,
		Text: "The local judge reads the caller's own policies: iam:GetRole or iam:GetUser, the lists of attached and inline policies, and their texts. " +
			"A permission for it is missing, so the judge sees too little to prove anything. The session goes on; AWS decides.",
		Example: Example{
			Before: `not visible: iam:ListRolePolicies on arn:aws:iam::111122223333:role/dev`,
			After: `{"Effect":"Allow","Action":["iam:GetRole","iam:ListRolePolicies","iam:GetRolePolicy","iam:ListAttachedRolePolicies"],"Resource":"arn:aws:iam::*:role/dev"},
{"Effect":"Allow","Action":["iam:GetPolicy","iam:GetPolicyVersion"],"Resource":"*"}`}},
	{Code: "SG502", Since: since, Title: "IAM's simulation may not be used",
		Text: "iam:SimulatePrincipalPolicy on the own user or role is all the simulation needs. It sees service control policies, which a member account cannot read otherwise. " +
			"Credentials of GetFederationToken can call no IAM API at all, those of GetSessionToken only with MFA.",
		Example: Example{
			Before: `not visible: iam:SimulatePrincipalPolicy on arn:aws:iam::111122223333:role/dev`,
			After:  `{"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy","Resource":"arn:aws:iam::*:role/dev"}`}},
	{Code: "SG503", Since: since, Title: "facts about the target or the document cannot be read",
		Text: "Tags, the document's key and the state of the target are read with describe calls. What cannot be read counts as unknown, never as absent: a decision that turns on it stays undecided.",
		Example: Example{
			Before: `not visible: ec2:DescribeTags`,
			After:  `{"Effect":"Allow","Action":["ec2:DescribeInstances","ec2:DescribeTags","ssm:DescribeInstanceInformation","ssm:ListTagsForResource"],"Resource":"*"}`}},
	{Code: "SG504", Since: since, Title: "a judge gave no answer",
		Text: "IAM was slow, throttled the calls, or answered with something unreadable. The judge's opinion counts as unknown and the session goes on.",
		Example: Example{
			Before: `local: no answer within 5s`,
			After:  `try again, or --guard off`}},
	{Code: "SG505", Since: since, Title: "the decision turns on a condition key that is not known here",
		Text: "Some keys are known to AWS alone: the address AWS sees, the VPC endpoint, session tags, whether the session used MFA, ssm:SessionDocumentAccessCheck (absent or true when a session is started). A policy asks for one of them, " +
			"and the outcome depends on its value. The session goes on; AWS decides.",
		Example: Example{
			Before: `"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`,
			After:  `ssmguard check --context aws:SourceIp=203.0.113.7 ...`}},
	{Code: "SG506", Since: since, Title: "the decision turns on a policy that cannot be seen",
		Text: "What can be read allows the request, but a layer that may deny it cannot be read: a session policy passed when the role was assumed, a service control policy, an endpoint policy. " +
			"Session policies cannot be read back by any API. Of what `terraform show -json` prints, it is a policy that is known only after apply or stands elsewhere, " +
			"or several of which nothing says whose they are: give those that the caller has, each as a file of its own.",
		Example: Example{
			Before: `aws sts assume-role --role-arn ... --policy file://narrow.json`,
			After:  `the same without --policy, or with a policy that allows ssm:StartSession`}},
	{Code: "SG507", Since: since, Title: "a simulated denial that is not proven",
		Text: "A judge denies the request, but on something it could not see, such as a condition key without a value. That is no proof, so nothing is stopped.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`,
			After:  `the simulation does not know whether the session used MFA; AWS does`}},
}

// refusedRules are about AWS's own refusal, which is the last word.
var refusedRules = []Rule{
	{Code: "SG600", Since: since, Title: "AWS refused the call",
		DependsOn: []guard.Code{"SG601", "SG602", "SG603", "SG604", "SG605", "SG606", "SG607", "SG608"},
		Text:      "AWS refused and gave no reason. Its message names one resource only, chosen at random when several grants are missing, so repairing it may reveal the next.",
		Example: Example{
			Before: `User: arn:... is not authorized to perform: ssm:StartSession on resource: arn:...`,
			After:  `ssmguard check with the same options lists every grant`}},
	{Code: "SG601", Since: since, Title: "AWS refused: no identity-based policy allows it",
		Text: "No policy of the user or role allows the action on the resource AWS names. When the policies read here do allow it, they may have changed a moment ago (IAM takes seconds to follow), " +
			"the credentials may be of another role than expected, or a condition key has another value than assumed.",
		Example: Example{
			Before: `... because no identity-based policy allows the ssm:StartSession action`,
			After:  `add the grant on the resource that AWS names`}},
	{Code: "SG602", Since: since, Title: "AWS refused: an identity-based policy denies it",
		Text: "A Deny in a policy of the user or role matches. AWS shows the policy's ARN when it is a managed one; without an ARN look at the inline policies too.",
		Example: Example{
			Before: `... with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/NoProd`,
			After:  `change the Deny, or use a resource it does not match`}},
	{Code: "SG603", Since: since, Title: "AWS refused: the organization forbids it",
		Text: "A service or resource control policy of the organization denies the request or does not allow it. No policy of the account can change that; the administrator of the organization can.",
		Example: Example{
			Before: `... with an explicit deny in a service control policy`,
			After:  `use an allowed region, or send the administrator the message that ssmguard prints`}},
	{Code: "SG604", Since: since, Title: "AWS refused: the permissions boundary forbids it",
		Text: "The permissions boundary of the user or role limits what its policies can grant. It must allow ssm:StartSession on the target and on the document, AWS-owned ones included.",
		Example: Example{
			Before: `... because no permissions boundary allows the ssm:StartSession action`,
			After:  `add the document to the boundary`}},
	{Code: "SG605", Since: since, Title: "AWS refused: the session policy forbids it",
		Text: "The credentials were made with a session policy, which limits them further. It cannot be read back; whoever assumed the role knows it.",
		Example: Example{
			Before: `... because no session policy allows the ssm:StartSession action`,
			After:  `assume the role without a session policy, or with one that allows the session`}},
	{Code: "SG606", Since: since, Title: "AWS refused: the VPC endpoint policy forbids it",
		Text: "The call went through a VPC endpoint whose policy does not allow it. A policy pinned to the own account loses the documents AWS owns, whose ARN has no account.",
		Example: Example{
			Before: `"Resource":"arn:aws:ssm:*:111122223333:*"`,
			After:  `"Resource":["arn:aws:ssm:*:111122223333:*","arn:aws:ssm:*::document/AWS-*"]`}},
	{Code: "SG607", Since: since, Title: "AWS refused: a resource-based policy forbids it",
		Text: "For a session this is the key policy of the KMS key, or the trust policy of a role. It must allow the caller itself, or leave the decision to IAM.",
		Example: Example{
			Before: `... because no resource-based policy allows the kms:GenerateDataKey action`,
			After:  `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`}},
	{Code: "SG608", Since: since, Title: "AWS refused with an encoded message",
		Text: "The reason is in the message, encoded. Whoever holds sts:DecodeAuthorizationMessage can read it.",
		Example: Example{
			Before: `Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm...`,
			After:  `aws sts decode-authorization-message --encoded-message 4GIOHlTkIaWHQD0Q0m6XSnuUMCm...`}},
	{Code: "SG609", Since: since, Title: "TerminateSession was refused, perhaps because the plugin is missing",
		Text: "The AWS CLI calls StartSession first and looks for the session-manager plugin afterwards. Without the plugin it ends the new session, so a missing plugin shows as a refused " +
			"TerminateSession. ssmguard brings the plugin along.",
		Example: Example{
			Before: `... not authorized to perform: ssm:TerminateSession`,
			After:  `session-manager-plugin --version`}},
}

// judgeRules are about the judges themselves.
var judgeRules = []Rule{
	{Code: "SG901", Since: since, Title: "the judges disagree",
		Text: "IAM's simulation and the evaluation here contradict each other on the same grant. One of them sees a policy the other does not, or one of them is wrong. Nothing is stopped; AWS decides. " +
			"Please report it with the output of ssmguard check --output json.",
		Example: Example{
			Before: `iam: explicitDeny, local: allowed`,
			After:  `a service control policy that only the simulation can see`}},
}
