package finding

import (
	"strings"

	"ssmguard/guard"
)

// messages are what services, the agent, the plugin and the AWS CLI say when a session
// does not start or ends for another reason than IAM, the more special first. words are
// in lower case, and all of them are in the message; a message whose words stand where
// those of an earlier one were found is not told again. One that is aside says only that
// something went wrong: it is told when nothing else is.
//
// Sources: amazon-ssm-agent, agent/session and common/; session-manager-plugin, src;
// botocore and the AWS CLI; the API reference's errors of Systems Manager, ECS and STS.
var messages = []message{
	// Credentials.
	{code: "SG620", words: []string{"multifactorauthentication failed with invalid mfa"},
		means: "wrong MFA code: AWS does not accept the one-time code",
		do:    "wait for the next code, since each is good once; look at the clock of the device and at mfa_serial"},
	{code: "SG620", words: []string{"multifactorauthentication failed"},
		means: "an MFA code is needed and none was sent",
		do:    "set mfa_serial in the profile, or get credentials with: aws sts get-session-token --serial-number ARN --token-code CODE"},
	{code: "SG620", words: []string{"error loading sso token"}, means: "the SSO token is missing or has expired", do: ssoLogin},
	{code: "SG620", words: []string{"sso session associated with this profile"}, means: "the SSO token has expired", do: ssoLogin},
	{code: "SG620", words: []string{"token has expired and refresh failed"}, means: "the SSO token has expired", do: ssoLogin},
	{code: "SG620", words: []string{"sso token", "expired"}, means: "the SSO token has expired", do: ssoLogin},
	{code: "SG620", words: []string{"sso session", "expired"}, means: "the SSO token has expired", do: ssoLogin},
	{code: "SG620", words: []string{"getrolecredentials", "no access"}, means: "the SSO user has not this permission set in this account",
		do: "look at sso_account_id and sso_role_name of the profile, or ask for the assignment"},
	{code: "SG620", words: []string{"session token not found or invalid"}, means: "the SSO token is not valid", do: ssoLogin},
	{code: "SG620", words: []string{"reauthenticate using 'aws login'"}, means: "the login of the console has expired", do: consoleLogin},
	{code: "SG620", words: []string{"error loading login session token"}, means: "the login of the console is missing, incomplete or has expired", do: consoleLogin},
	{code: "SG620", words: []string{"expiredtoken"}, means: expired, do: renew},
	{code: "SG620", words: []string{"token included in the request is expired"}, means: expired, do: renew},
	{code: "SG620", words: []string{"invalidclienttokenid"}, means: unknownToAWS, do: whoAmI},
	{code: "SG620", words: []string{"unrecognizedclientexception"}, means: unknownToAWS, do: whoAmI},
	{code: "SG620", words: []string{"security token included in the request is invalid"}, means: unknownToAWS, do: whoAmI},
	{code: "SG620", words: []string{"unauthorizedrequest"},
		means: "the request reached no AWS that knows these credentials: it was turned away before any policy was asked",
		do:    "look at region, partition and endpoint (AWS_ENDPOINT_URL, a proxy), then at the credentials: aws sts get-caller-identity"},
	{code: "SG620", words: []string{"signature expired"}, means: "the clock of this machine is wrong: AWS takes the request for an old one", do: "set the clock"},
	{code: "SG620", words: []string{"signature not yet current"}, means: "the clock of this machine is wrong: AWS takes the request for one of the future", do: "set the clock"},
	{code: "SG620", words: []string{"requestexpired"}, means: "the clock of this machine is wrong, or the credentials have expired", do: "set the clock, then get new credentials"},
	{code: "SG620", words: []string{"signaturedoesnotmatch"}, means: badSignature, do: "look at AWS_SECRET_ACCESS_KEY, and at what stands between here and AWS"},
	{code: "SG620", words: []string{"invalidsignatureexception"}, means: badSignature, do: "look at AWS_SECRET_ACCESS_KEY, and at what stands between here and AWS"},
	{code: "SG620", words: []string{"unable to locate credentials"}, means: noCredentials, do: signIn},
	{code: "SG620", words: []string{"nocredentialproviders"}, means: noCredentials, do: signIn},
	{code: "SG620", words: []string{"could not load credentials from any providers"}, means: noCredentials, do: signIn},
	{code: "SG620", words: []string{"failed to refresh cached credentials"}, means: noCredentials, do: signIn},
	{code: "SG620", words: []string{"the config profile", "could not be found"}, means: "there is no such profile in ~/.aws/config",
		do: "look at --profile and AWS_PROFILE: aws configure list-profiles"},
	{code: "SG620", words: []string{"partial credentials found"}, means: "of the credentials one half is missing", do: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together, or neither"},

	// The target.
	{code: "SG708", words: []string{"targetnotconnected", "executecommand"}, means: noExec, do: enableExec},
	{code: "SG708", words: []string{"execute command was not enabled"}, means: noExec, do: enableExec},
	{code: "SG708", words: []string{"the execute command failed"}, means: noExec, do: enableExec},
	{code: "SG700", words: []string{"targetnotconnected"}, means: "AWS says the target is not connected, which is no matter of permissions"},
	{code: "SG701", words: []string{"invalidinstanceid"}, means: "Systems Manager does not know the instance, or its agent does not report",
		do: "look at the region, the agent, and the role of the instance: ssmguard doctor --target TARGET"},
	{code: "SG701", words: []string{"invalidtarget"}, means: "Systems Manager takes no sessions for this target: there is none of that id, or it is not set up for them",
		do: "look at the id, the region, the agent, and the role of the instance: ssmguard doctor --target TARGET"},
	{code: "SG705", words: []string{"is not supported by this version of ssm agent"}, means: "the agent is too old for the document", do: updateAgent},
	{code: "SG706", words: []string{"setting up data channel with id"}, aside: true, means: "the target's agent could not open the session's channel",
		do: "look at the way from the target to the endpoint ssmmessages, and give its role ssmmessages:CreateDataChannel"},
	{code: "SG706", words: []string{"createdatachannel failed"}, aside: true, means: "the target's agent could not open the session's channel",
		do: "look at the way from the target to the endpoint ssmmessages, and give its role ssmmessages:CreateDataChannel"},
	{code: "SG709", words: []string{"runas default user"}},
	{code: "SG709", words: []string{"since runas user"}},
	{code: "SG621", words: []string{"executable file not found in $path"}, means: "the target has no such program: the container or the machine may have no shell at this place",
		do: "name one that is there: --command /bin/sh, or the linux commands of the document"},
	{code: "SG621", words: []string{"failed to start pty"}, aside: true, means: "the target could not start the program of the session",
		do: "look at the program, the user that runs it and the agent's log on the target"},
	{code: "SG710", words: []string{"encryption is not set up on the selected cloudwatch logs log group"},
		means: "the log group is not encrypted, or the target's role may not look",
		do:    "encrypt the log group with a KMS key, or allow the target's role logs:DescribeLogGroups, or set cloudWatchEncryptionEnabled to false in the document"},
	{code: "SG710", words: []string{"encryption is not set up on the selected"},
		means: "the bucket of the session's log is not encrypted, or the target's role may not look",
		do:    "encrypt the bucket, or allow the target's role s3:GetEncryptionConfiguration, or set s3EncryptionEnabled to false in the document"},
	{code: "SG711", words: []string{"fetching data key failed"}, aside: true},
	{code: "SG711", words: []string{"ciphertext refers to a customer master key"}, aside: true},

	// The session.
	{code: "SG621", words: []string{"sessionmanagerplugin is not found"},
		means: "the session-manager plugin is not where the AWS CLI looks for it",
		do:    "start the session with ssmguard, which brings the plugin along, or put session-manager-plugin into PATH"},
	{code: "SG621", words: []string{"connection to destination port failed"},
		means: "the session stands, but nothing answers on the port behind it",
		do:    "see that something listens there, and that the target may reach it: security groups, the host's name as the target resolves it"},
	{code: "SG621", words: []string{"forwarding to ip address"},
		means: "the agent forwards to no loopback or link-local address when a remote host is asked for",
		do:    "use AWS-StartPortForwardingSession for a port of the target itself, or the address that the host has in its network"},
	{code: "SG621", words: []string{"timed out due to inactivity"},
		means: "the session was idle for longer than the account allows, 20 minutes unless it was changed",
		do:    "start it again; idleSessionTimeout in SSM-SessionManagerRunShell changes the time; ssmguard tunnel opens a new one by itself"},
	{code: "SG621", words: []string{"handshake timed out"}, means: "the plugin did not answer the agent's handshake, as one too old for encrypted sessions does not",
		do: "start the session with ssmguard, which brings a new plugin along, or update session-manager-plugin"},
	{code: "SG621", words: []string{"websocket: bad handshake"}, means: "the message gateway, or a proxy before it, turned the session's connection away",
		do: "look at the proxy and the VPC endpoint ssmmessages: ssmguard doctor"},
	{code: "SG621", words: []string{"certificate signed by unknown authority"}, means: notTrusted, do: trustIt},
	{code: "SG621", words: []string{"certificate_verify_failed"}, means: notTrusted, do: trustIt},
	{code: "SG621", words: []string{"ssl validation failed"}, means: notTrusted, do: trustIt},
	{code: "SG621", words: []string{"no such host"}, aside: true, means: "the name of AWS's endpoint cannot be resolved from here, or there is none of that name",
		do: "look at the region's name, at DNS and the VPC endpoint: ssmguard doctor"},
	{code: "SG621", words: []string{"you must specify a region"}, means: "no region is configured", do: "name one with --region, or set AWS_REGION"},
	{code: "SG621", words: []string{"throttlingexception"}, means: throttled, do: waitAWhile},
	{code: "SG621", words: []string{"requestlimitexceeded"}, means: throttled, do: waitAWhile},
	{code: "SG621", words: []string{"(throttling)"}, means: throttled, do: waitAWhile},
	{code: "SG621", words: []string{"advanced-instances tier"},
		means: "AWS asked for the advanced-instances tier for sessions on hybrid nodes, which it does no longer since 2026-07-01",
		do:    "start the session again; the tier need not be changed"},
	{code: "SG621", words: []string{"could not connect to the endpoint url"}, means: "AWS's endpoint cannot be reached from here, or there is none of that name",
		do: "look at the region's name, the network, a proxy, and the VPC endpoint: ssmguard doctor"},
	{code: "SG621", words: []string{"connection closed by unknown port 65535"}, aside: true,
		means: "ssh's ProxyCommand ended before ssh could speak, and gave no reason that was pasted",
		do:    "run the ProxyCommand by itself: ssmguard check --target TARGET --document-name AWS-StartSSHSession"},
}

type message struct {
	code      guard.Code
	words     []string
	means, do string // both "" where the page says it
	aside     bool
}

// What several messages mean.
const (
	expired       = "the credentials have expired"
	renew         = "get new ones: aws sso login or aws login, by the kind of the profile, or what made them; an AWS_SESSION_TOKEN in the environment goes before the profile"
	ssoLogin      = "sign in again: aws sso login --profile PROFILE"
	consoleLogin  = "sign in again: aws login --profile PROFILE"
	unknownToAWS  = "the credentials are unknown to AWS: no such access key, a session token that does not belong to it, or another partition"
	whoAmI        = "see whose they are: aws sts get-caller-identity; look at AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, which go before the profile"
	badSignature  = "the request is not signed with the secret key that belongs to the access key, or was changed on its way"
	noCredentials = "there are no credentials"
	signIn        = "sign in, or name a profile: aws sso login --profile PROFILE, or aws login"
	noExec        = "the ECS task takes no sessions: it was started without execute command, or its agent for it does not run"
	enableExec    = "start the task anew with --enable-execute-command, and give its task role ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and OpenDataChannel"
	updateAgent   = "update the agent: aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids TARGET"
	throttled     = "AWS answers too many requests of this account at the moment"
	notTrusted    = "the certificate of AWS's endpoint is not trusted here, mostly because a proxy breaks TLS open"
	trustIt       = "give the proxy's certificate to AWS_CA_BUNDLE, or go around the proxy with NO_PROXY"
	waitAWhile    = "wait some seconds and try again; AWS_RETRY_MODE=adaptive waits by itself"
)

// known returns the messages of a text. refused tells that there is a refusal in it,
// which says more than a message that is aside.
func known(text string, refused bool) []message {
	lower := strings.ToLower(text)
	var all []message
	type span struct{ from, to int }
	var told []span
	for _, m := range messages {
		at := strings.Index(lower, m.words[0])
		if at < 0 || m.aside && (refused || len(all) > 0) {
			continue
		}
		found := true
		for _, word := range m.words[1:] {
			found = found && strings.Contains(lower, word)
		}
		for _, s := range told {
			found = found && (at < s.from || at >= s.to)
		}
		for _, earlier := range all {
			found = found && (earlier.code != m.code || earlier.means != m.means)
		}
		if found {
			all, told = append(all, m), append(told, span{at, at + len(m.words[0])})
		}
	}
	return all
}
