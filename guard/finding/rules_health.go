package finding

import "ssmguard/guard"

// healthRules are about whether the target can take a session at all.
var healthRules = []Rule{
	{Code: "SG700", Since: since, Title: "AWS says the target is not connected",
		DependsOn: []guard.Code{"SG701", "SG702", "SG703", "SG704", "SG705", "SG706", "SG707", "SG708"},
		Text: "TargetNotConnected is not a matter of the caller's permissions: the agent on the target has no connection to Systems Manager in this region and account. " +
			"The usual causes: agent stopped, no instance profile, no way out to the ssm and ssmmessages endpoints, wrong region.",
		Example: Example{
			Before: `An error occurred (TargetNotConnected) when calling the StartSession operation`,
			After:  `ssmguard doctor --target i-0123456789abcdef0`}},
	{Code: "SG701", Since: since, Title: "the target is not known to Systems Manager", DependsOn: []guard.Code{"SG703", "SG704", "SG707", "SG708"},
		Text: "Systems Manager does not list the target in this region: its agent has never registered here. It needs a running SSM agent, a role with AmazonSSMManagedInstanceCore, " +
			"and a way to the endpoints ssm, ssmmessages and ec2messages of the region.",
		Example: Example{
			Before: `aws ssm describe-instance-information: the target is missing`,
			After:  `attach an instance profile with AmazonSSMManagedInstanceCore and restart the agent`}},
	{Code: "SG702", Since: since, Title: "the target's agent has lost its connection", DependsOn: []guard.Code{"SG703"},
		Text: "Systems Manager has not heard from the agent for some time. The instance may hang, the agent may be stopped, or its way to the endpoints may be cut.",
		Example: Example{
			Before: `PingStatus: ConnectionLost`,
			After:  `restart the instance or its agent: systemctl restart amazon-ssm-agent`}},
	{Code: "SG703", Since: since, Title: "the instance does not run",
		Text: "Only a running instance has an agent that can answer. Start it, and wait until its agent reports; that takes a minute or two.",
		Example: Example{
			Before: `state: stopped`,
			After:  `aws ec2 start-instances --instance-ids i-0123456789abcdef0`}},
	{Code: "SG704", Since: since, Title: "the instance has no instance profile",
		Text: "Without an instance profile the agent has no credentials to register with, unless the account uses Default Host Management. Attach a profile whose role has AmazonSSMManagedInstanceCore.",
		Example: Example{
			Before: `IamInstanceProfile: none`,
			After:  `aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0 --iam-instance-profile Name=ssm`}},
	{Code: "SG705", Since: since, Title: "the agent is too old for the document",
		Text: "Each kind of session needs a certain agent: 2.3.68.0 for a shell, 2.3.539.0 with KMS, 2.3.672.0 for ssh and port forwarding, 3.1.1374.0 for port forwarding to a remote host.",
		Example: Example{
			Before: `agent 3.0.529.0, AWS-StartPortForwardingSessionToRemoteHost`,
			After:  `aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids i-0123456789abcdef0`}},
	{Code: "SG706", Since: since, Title: "the agent reports, but takes no sessions", DependsOn: []guard.Code{"SG702", "SG703"},
		Text: "The agent is online, but its channel for sessions is not open: ssm:GetConnectionStatus says notconnected. Mostly the ssmmessages endpoint cannot be reached, or the target's role lacks " +
			"ssmmessages:CreateControlChannel and ssmmessages:CreateDataChannel.",
		Example: Example{
			Before: `PingStatus: Online, ConnectionStatus: notconnected`,
			After:  `AmazonSSMManagedInstanceCore on the target's role, and a VPC endpoint for ssmmessages`}},
	{Code: "SG707", Since: since, Title: "the target is in another region",
		Text: "The target does not exist in the region of the request, and does in another one.",
		Example: Example{
			Before: `--region us-east-1`,
			After:  `--region eu-west-1`}},
	{Code: "SG708", Since: since, Title: "the ECS task takes no sessions",
		Text: "A task takes sessions only while it runs and only when it was started with enableExecuteCommand; the flag cannot be set on a running task.",
		Example: Example{
			Before: `enableExecuteCommand: false`,
			After:  `aws ecs update-service --cluster prod --service web --enable-execute-command --force-new-deployment`}},
}

// agentRules are what the agent on the target says after the session has been
// allowed. Its words come through the session, not from an API.
var agentRules = []Rule{
	{Code: "SG709", Since: since, Title: "the user to run the session as is missing",
		Text: "The document runs sessions as a user of the operating system (runAsEnabled). AWS takes the tag SSMSessionRunAs of the caller, then the document's runAsDefaultUser; " +
			"when there is neither, or the target has no such user, the session ends. There is no way back to ssm-user.",
		Example: Example{
			Before: `failed to start pty since RunAs user web does not exist`,
			After:  `aws iam tag-role --role-name dev --tags Key=SSMSessionRunAs,Value=ec2-user`}},
	{Code: "SG710", Since: since, Title: "the log of the session is not encrypted",
		Text: "The document logs sessions and asks for an encrypted log group or bucket. Either it is not encrypted, or, more often, the target's own role may not look: it needs " +
			"logs:DescribeLogGroups or s3:GetEncryptionConfiguration.",
		Example: Example{
			Before: `We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group`,
			After:  `{"Effect":"Allow","Action":["logs:DescribeLogGroups","s3:GetEncryptionConfiguration"],"Resource":"*"}`}},
	{Code: "SG711", Since: since, Title: "the target may not use the session's key",
		Text: "The document encrypts session data. The caller got a data key, but the target could not decrypt it: its role needs kms:Decrypt on the same key, and the key policy must allow that.",
		Example: Example{
			Before: `Fetching data key failed: Unable to retrieve data key`,
			After:  `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`}},
}

// limitRules are the limits beside the caller's own Allow statements: layers
// that others own, and guards for everything at once.
var limitRules = []Rule{
	{Code: "SG801", Since: since, Title: "the permissions boundary does not let it through",
		Text: "A permissions boundary limits what identity policies can grant: both must allow the request. Boundaries written for targets often forget the document, AWS-owned documents above all.",
		Example: Example{
			Before: `boundary: {"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`,
			After:  `boundary: {"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"]}`}},
	{Code: "SG802", Since: since, Title: "the session policy does not let it through",
		Text: "A session policy, passed when the role was assumed, limits the session: both it and the role must allow the request.",
		Example: Example{
			Before: `aws sts assume-role ... --policy '{"Statement":{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}}'`,
			After:  `the same with the document's ARN added`}},
	{Code: "SG803", Since: since, Title: "a service control policy does not let it through", DependsOn: []guard.Code{"SG805", "SG806", "SG808"},
		Text: "Every level of the organization, from the root to the account, must allow the request and none may deny it. No policy of the account can change that; the administrator of the organization can.",
		Example: Example{
			Before: `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*"}`,
			After:  `an exception by the administrator of the organization`}},
	{Code: "SG804", Since: since, Title: "the VPC endpoint policy does not let it through",
		Text: "The endpoint policy must allow the request as well. One pinned to the own account loses the documents AWS owns, whose ARN has an empty account field.",
		Example: Example{
			Before: `"Resource":["arn:aws:ssm:*:111122223333:*","arn:aws:ec2:*:111122223333:*"]`,
			After:  `"Resource":["arn:aws:ssm:*:111122223333:*","arn:aws:ec2:*:111122223333:*","arn:aws:ssm:*::document/AWS-*"]`}},
	{Code: "SG805", Since: since, Title: "a region guard forbids this region",
		Text: "A statement forbids requests outside certain regions (aws:RequestedRegion). Look at --region first: mostly the request is wrong and not the guard.",
		Example: Example{
			Before: `{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*",
 "Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-central-1"}}}   the request: --region us-east-1`,
			After: `--region eu-central-1`}},
	{Code: "SG806", Since: since, Title: "an MFA guard forbids requests without MFA",
		Text: "A statement asks for multi-factor authentication. Long-term access keys never carry aws:MultiFactorAuthPresent; credentials got with an MFA code do. Get such credentials, the policy is right.",
		Example: Example{
			Before: `{"Effect":"Deny","NotAction":["iam:EnableMFADevice","sts:GetSessionToken"],"Resource":"*",
 "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`,
			After: `aws sts get-session-token --serial-number arn:aws:iam::111122223333:mfa/alice --token-code 123456`}},
	{Code: "SG807", Since: since, Title: "a resource control policy does not let it through",
		Text: "Resource control policies bear on the KMS key of a session, not on the session itself. No policy of the account can change them; the administrator of the organization can.",
		Example: Example{
			Before: `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{ ... }}`,
			After:  `an exception by the administrator of the organization`}},
	{Code: "SG808", Since: since, Title: "a network guard forbids calls from here",
		Text: "A statement allows requests only from certain addresses, VPCs or endpoints (aws:SourceIp, aws:SourceVpc, aws:SourceVpce, aws:VpcSourceIp). The call came from elsewhere: a VPN that is off, " +
			"or a VPC endpoint, through which aws:SourceIp is absent.",
		Example: Example{
			Before: `"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}   the call came from 198.51.100.7`,
			After:  `call from within the range`}},
}
