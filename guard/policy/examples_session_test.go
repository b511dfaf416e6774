package policy

import "testing"

const (
	aliceNode   = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"
	otherNode   = "arn:aws:ec2:us-east-1:111122223333:instance/i-0fedcba9876543210"
	hybridNode  = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-0123456789abcdef0"
	defaultDoc  = "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
	forwardDoc  = "arn:aws:ssm:us-east-1::document/AWS-StartPortForwardingSessionToRemoteHost"
	sshDoc      = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
	aliceOwn    = "arn:aws:ssm:us-east-1:111122223333:session/alice-0a1b2c3d4e5f60718"
	bobOwn      = "arn:aws:ssm:us-east-1:111122223333:session/bob-0a1b2c3d4e5f60718"
	sessionOfID = "arn:aws:ssm:us-east-1:111122223333:session/AROAEXAMPLE:alice-0a1b2c3d4e5f60718"
)

func TestExamplesOfSessionManager(t *testing.T) {
	runExamples(t, map[string]example{
		"a node and the default document": {
			page: "systems-manager/latest/userguide/getting-started-restrict-access-quickstart.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": ["ssm:StartSession"],
						"Resource": [
							"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0",
							"arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
						]
					},
					{
						"Effect": "Allow",
						"Action": ["ssm:TerminateSession", "ssm:ResumeSession"],
						"Resource": ["arn:aws:ssm:*:*:session/${aws:username}-*"]
					},
					{
						"Effect": "Allow",
						"Action": "ssmmessages:OpenDataChannel",
						"Resource": "arn:aws:ssm:*:*:session/${aws:userid}-*"
					}
				]
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, nil, Allow},
				{"the document", "ssm:StartSession", defaultDoc, nil, Allow},
				{"another node", "ssm:StartSession", otherNode, nil, ImplicitDeny},
				{"a document of AWS", "ssm:StartSession", forwardDoc, nil, ImplicitDeny},
				{"the user's own session", "ssm:TerminateSession", aliceOwn, keys{"aws:username": "alice"}, Allow},
				{"somebody else's session", "ssm:TerminateSession", bobOwn, keys{"aws:username": "alice"}, ImplicitDeny},
				{"a role has no user name", "ssm:TerminateSession", aliceOwn, keys{"aws:userid": "AROAEXAMPLE:alice"}, ImplicitDeny},
				{"the user name is not known", "ssm:TerminateSession", aliceOwn, keys{"aws:username": unknown{}}, Unknown},
				{"no user name fits", "ssm:TerminateSession", aliceNode, keys{"aws:username": unknown{}}, ImplicitDeny},
				{"the session of the id", "ssmmessages:OpenDataChannel", sessionOfID, keys{"aws:userid": "AROAEXAMPLE:alice"}, Allow},
				{"real session ids begin otherwise", "ssmmessages:OpenDataChannel", aliceOwn, keys{"aws:userid": "AROAEXAMPLE:alice"}, ImplicitDeny},
			},
		},
		"nodes with a tag, document apart": {
			page: "systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": "arn:aws:ec2:*:111122223333:instance/*",
						"Condition": {
							"StringLike": {"ssm:resourceTag/Finance": ["WebServers"]}
						}
					},
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
					}
				]
			}`,
			asks: []ask{
				{"tagged", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/Finance": "WebServers"}, Allow},
				{"the key in another case", "ssm:StartSession", aliceNode, keys{"ssm:ResourceTag/finance": "WebServers"}, Allow},
				{"the value in another case", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/Finance": "webservers"}, ImplicitDeny},
				{"not tagged", "ssm:StartSession", aliceNode, nil, ImplicitDeny},
				{"tags not known", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/*": unknown{}}, Unknown},
				{"the document has no tags and needs none", "ssm:StartSession", defaultDoc, nil, Allow},
				{"a hybrid node is another resource", "ssm:StartSession", hybridNode, keys{"ssm:resourceTag/Finance": "WebServers"}, ImplicitDeny},
			},
		},
		"a tag condition over everything": {
			page: "systems-manager/latest/userguide/getting-started-restrict-access-examples.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {
					"Effect": "Allow",
					"Action": "ssm:StartSession",
					"Resource": "*",
					"Condition": {"StringEquals": {"ssm:resourceTag/Name": "bastion"}}
				}
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/Name": "bastion"}, Allow},
				{"a document of AWS carries no tags", "ssm:StartSession", forwardDoc, nil, ImplicitDeny},
				{"an own document may", "ssm:StartSession", defaultDoc, keys{"ssm:resourceTag/*": unknown{}}, Unknown},
			},
		},
		"a tag condition with IfExists over everything": {
			page: "IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists",
			identity: `{
				"Version": "2012-10-17",
				"Statement": {
					"Effect": "Allow",
					"Action": "ssm:StartSession",
					"Resource": "*",
					"Condition": {"StringEqualsIfExists": {"ssm:resourceTag/Name": "bastion"}}
				}
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/Name": "bastion"}, Allow},
				{"a node of another name", "ssm:StartSession", otherNode, keys{"ssm:resourceTag/Name": "db"}, ImplicitDeny},
				{"a node without a name is let in", "ssm:StartSession", otherNode, nil, Allow},
				{"a document of AWS", "ssm:StartSession", forwardDoc, nil, Allow},
			},
		},
		"a deny unless tagged stops the documents too": {
			page: "IAM/latest/UserGuide/reference_policies_elements_condition.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"},
					{
						"Sid": "OnlyTheBastion",
						"Effect": "Deny",
						"Action": "ssm:StartSession",
						"Resource": "*",
						"Condition": {"StringNotEquals": {"ssm:resourceTag/Name": "bastion"}}
					}
				]
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, keys{"ssm:resourceTag/Name": "bastion"}, Allow},
				{"another node", "ssm:StartSession", otherNode, keys{"ssm:resourceTag/Name": "db"}, ExplicitDeny},
				{"every document", "ssm:StartSession", forwardDoc, nil, ExplicitDeny},
				{"another action", "ssm:DescribeSessions", "*", nil, Allow},
			},
		},
		"the account in the ARN of a document": {
			page: "systems-manager/latest/userguide/getting-started-specify-session-document.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": [
							"arn:aws:ssm:*:*:document/AWS-StartSSHSession",
							"arn:aws:ssm:*:111122223333:document/AWS-StartPortForwardingSessionToRemoteHost",
							"arn:aws:ssm:us-east-1::document/SSM-SessionManagerRunShell"
						]
					}
				]
			}`,
			asks: []ask{
				{"any account, also none", "ssm:StartSession", sshDoc, nil, Allow},
				{"an account where AWS has none", "ssm:StartSession", forwardDoc, nil, ImplicitDeny},
				{"none where the account has one", "ssm:StartSession", defaultDoc, nil, ImplicitDeny},
			},
		},
		"own sessions by the tag of the session": {
			page: "systems-manager/latest/userguide/getting-started-restrict-access-examples.html#restrict-access-example-user-sessions",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": ["ssm:TerminateSession", "ssm:ResumeSession"],
						"Resource": ["*"],
						"Condition": {
							"StringLike": {
								"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]
							}
						}
					}
				]
			}`,
			asks: []ask{
				{"own", "ssm:ResumeSession", aliceOwn, keys{"aws:userid": "AIDA1", "ssm:resourceTag/aws:ssmmessages:session-id": "AIDA1"}, Allow},
				{"another's", "ssm:ResumeSession", bobOwn, keys{"aws:userid": "AIDA1", "ssm:resourceTag/aws:ssmmessages:session-id": "AIDA2"}, ImplicitDeny},
				{"an id with a wildcard is literal", "ssm:ResumeSession", bobOwn, keys{"aws:userid": "AIDA*", "ssm:resourceTag/aws:ssmmessages:session-id": "AIDA2"}, ImplicitDeny},
				{"neither is known", "ssm:ResumeSession", aliceOwn, keys{"aws:userid": unknown{}, "ssm:resourceTag/*": unknown{}}, Unknown},
			},
		},
		"the document check key": {
			page: "systems-manager/latest/userguide/getting-started-sessiondocumentaccesscheck.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Effect": "Allow",
						"Action": "ssm:StartSession",
						"Resource": ["arn:aws:ec2:us-east-1:111122223333:instance/*", "arn:aws:ssm:*::document/AWS-StartSSHSession"],
						"Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}
					}
				]
			}`,
			asks: []ask{
				{"absent", "ssm:StartSession", sshDoc, nil, Allow},
				{"true", "ssm:StartSession", sshDoc, keys{"ssm:SessionDocumentAccessCheck": "true"}, Allow},
				{"false", "ssm:StartSession", sshDoc, keys{"ssm:SessionDocumentAccessCheck": "false"}, ImplicitDeny},
				{"not known", "ssm:StartSession", sshDoc, keys{"ssm:SessionDocumentAccessCheck": unknown{}}, Unknown},
				{"not known, but the resource is another", "ssm:StartSession", defaultDoc, keys{"ssm:SessionDocumentAccessCheck": unknown{}}, ImplicitDeny},
			},
		},
		"an administrator without the shell": {
			page: "IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html",
			identity: `{
				"Version": "2012-10-17",
				"Statement": [
					{"Effect": "Allow", "Action": "*", "Resource": "*"},
					{
						"Effect": "Deny",
						"Action": "ssm:StartSession",
						"Resource": "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"
					}
				]
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, nil, Allow},
				{"the shell", "ssm:StartSession", defaultDoc, nil, ExplicitDeny},
				{"ssh", "ssm:StartSession", sshDoc, nil, Allow},
			},
		},
		"an endpoint policy pinned to the account": {
			page:     "vpc/latest/privatelink/vpc-endpoints-access.html",
			identity: `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}}`,
			endpoint: `{
				"Version": "2012-10-17",
				"Statement": [
					{
						"Sid": "Own-account-only",
						"Effect": "Allow",
						"Principal": {"AWS": "111122223333"},
						"Action": "*",
						"Resource": ["arn:aws:ssm:*:111122223333:*", "arn:aws:ec2:*:111122223333:*"]
					}
				]
			}`,
			asks: []ask{
				{"the node", "ssm:StartSession", aliceNode, keys{"aws:PrincipalAccount": "111122223333"}, Allow},
				{"a document of AWS has no account", "ssm:StartSession", forwardDoc, keys{"aws:PrincipalAccount": "111122223333"}, ImplicitDeny},
				{"a caller of another account", "ssm:StartSession", aliceNode, keys{"aws:PrincipalAccount": "999999999999"}, ImplicitDeny},
			},
		},
	})
}
