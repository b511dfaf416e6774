package guard

import (
	"slices"
	"strings"
)

// keyRow is what is known of one condition key, or of all under a pattern, in a call
// that a caller makes himself to start, resume or end a session.
type keyRow struct {
	key string
	// who has one sign for each of keyCallers: "-" the key is absent, "=" it is there
	// with a value that the code below reads, or that is not known, "+" it is there and
	// its value is for the user to state, "f" it is absent or "false", "?" nothing is known.
	who    string
	source *keySource
}

// keySource is where a row comes from, as it stood on a date.
type keySource struct{ title, date string }

// KeysDate is the day of the reference that the keys of sessions are from.
func KeysDate() string { return ssmReference.date }

var (
	globalKeys   = &keySource{"IAM User Guide, AWS global condition context keys", "2026-08-14"}
	policyVars   = &keySource{"IAM User Guide, IAM policy elements: variables", "2026-08-14"}
	managedMCP   = &keySource{"AWS Security Blog, Understanding IAM for Managed AWS MCP Servers", "2026-03-24"}
	ssmReference = &keySource{"Service Authorization Reference, Systems Manager", "2026-09-26"}
	kmsReference = &keySource{"Service Authorization Reference, Key Management Service", "2026-09-26"}
	ecsReference = &keySource{"Service Authorization Reference, Elastic Container Service", "2026-09-26"}
	ec2Reference = &keySource{"Service Authorization Reference, EC2", "2026-09-26"}
	nowhere      = &keySource{"named by policies in use, on no list of AWS's that was read", "2026-11-29"}
)

// The columns of keyRow.who: a user with long-term keys, a user with credentials of
// sts:GetSessionToken, the session of a role, a federated user, root, and a caller of
// whom nothing is known.
const (
	longTerm = iota
	temporary
	roleSession
	federated
	root
	anybody
)

// keyTable has the keys of AWS's list of global keys, and those of the services that
// bear on a session; the later row wins where a key comes under two. What stands in
// several columns alike is in the source's words "Availability". A key of "aws:" that is
// not here is newer than the table, so it is not known; any other is another service's.
var keyTable = []keyRow{
	{"*", "------", ssmReference},
	{"*.*", "--?--?", globalKeys}, // what an identity provider said of the user stays in the session of a role
	{"saml:*", "--?--?", globalKeys},
	{"aws:*", "??????", globalKeys},

	{"aws:PrincipalArn", "======", globalKeys},
	{"aws:PrincipalAccount", "======", globalKeys},
	{"aws:PrincipalType", "======", globalKeys},
	{"aws:PrincipalOrgID", "??????", globalKeys}, // absent outside of organizations
	{"aws:PrincipalOrgPaths", "??????", globalKeys},
	{"aws:PrincipalTag/*", "======", globalKeys},
	{"aws:PrincipalIsAWSService", "======", globalKeys},
	{"aws:PrincipalServiceName", "------", globalKeys},
	{"aws:PrincipalServiceNamesList", "------", globalKeys},
	{"aws:userid", "======", policyVars},
	{"aws:username", "==---?", policyVars},

	{"aws:AssumedRoot", "----??", globalKeys}, // sessions of sts:AssumeRoot only
	{"aws:FederatedProvider", "--?--?", globalKeys},
	{"aws:TokenIssueTime", "-+++??", globalKeys}, // temporary credentials have it
	{"aws:MultiFactorAuthAge", "-??-??", globalKeys},
	{"aws:MultiFactorAuthPresent", "-?????", globalKeys},
	{"aws:ChatbotSourceArn", "--?--?", globalKeys},
	{"aws:Ec2InstanceSourceVpc", "--?--?", globalKeys},
	{"aws:Ec2InstanceSourcePrivateIPv4", "--?--?", globalKeys},
	{"aws:SourceIdentity", "--?--?", globalKeys},
	{"aws:SignInSessionArn", "-?????", nowhere}, // `aws login` gives users and root a session, too
	{"aws:ViaCustomerDomain", "--????", nowhere},
	{"ec2:*", "------", ec2Reference},
	{"ec2:RoleDelivery", "--?--?", globalKeys},
	{"ec2:SourceInstanceArn", "--?--?", globalKeys},
	{"ecs:*", "------", ecsReference},
	{"ecs:SourceTaskArn", "--?--?", nowhere},
	{"glue:RoleAssumedBy", "--?--?", globalKeys},
	{"glue:CredentialIssuingService", "--?--?", globalKeys},
	{"lambda:SourceFunctionArn", "--?--?", globalKeys},
	{"ssm:*", "------", ssmReference},
	{"ssm:SourceInstanceArn", "--?--?", globalKeys}, // roles of hybrid nodes
	{"identitystore:UserId", "--?--?", globalKeys},

	{"aws:SourceIp", "??????", globalKeys}, // absent through a VPC endpoint
	{"aws:SourceVpc", "??????", globalKeys},
	{"aws:SourceVpcArn", "??????", globalKeys},
	{"aws:SourceVpce", "??????", globalKeys},
	{"aws:VpceAccount", "??????", globalKeys},
	{"aws:VpceOrgID", "??????", globalKeys},
	{"aws:VpceOrgPaths", "??????", globalKeys},
	{"aws:VpcSourceIp", "??????", globalKeys},

	{"aws:ResourceAccount", "======", globalKeys},
	{"aws:ResourceOrgID", "??????", globalKeys},
	{"aws:ResourceOrgPaths", "??????", globalKeys},
	{"aws:ResourceTag/*", "------", ssmReference}, // but of the resources that have tags

	{"aws:CalledVia", "------", globalKeys},
	{"aws:CalledViaFirst", "------", globalKeys},
	{"aws:CalledViaLast", "------", globalKeys},
	{"aws:CalledViaAWSMCP", "------", managedMCP},
	{"aws:ViaAWSService", "======", globalKeys},
	{"aws:ViaAWSMCPService", "ffffff", managedMCP},
	{"aws:IsMcpServiceAction", "ffffff", managedMCP}, // of actions that AWS's MCP servers define themselves
	{"aws:CurrentTime", "======", globalKeys},
	{"aws:EpochTime", "======", globalKeys},
	{"aws:referer", "??????", globalKeys},
	{"aws:RequestedRegion", "======", globalKeys},
	{"aws:RequestTag/*", "------", globalKeys},
	{"aws:TagKeys", "------", globalKeys},
	{"aws:SecureTransport", "======", globalKeys},
	{"aws:SourceArn", "------", globalKeys}, // of calls that a service makes
	{"aws:SourceAccount", "------", globalKeys},
	{"aws:SourceOwner", "------", globalKeys},
	{"aws:SourceOrgID", "------", globalKeys},
	{"aws:SourceOrgPaths", "------", globalKeys},
	{"aws:UserAgent", "??????", globalKeys},

	{"kms:*", "------", kmsReference},
}

// SessionKeys returns the condition keys that every action can have, as the table knows
// them, in the spelling of AWS; one that ends in "*" stands for all that begin so.
func SessionKeys() (keys []string) {
	for _, row := range keyTable {
		if service, name, ok := strings.Cut(row.key, ":"); ok && name != "*" && (service == "aws" || row.who != "------") {
			keys = append(keys, row.key)
		}
	}
	return keys
}

// rowSigns returns what a row says of a key for a caller.
func rowSigns(c Caller) func(keyRow) byte {
	column := keyCaller(c)
	either := c.Kind() == User && c.MFA == MFAUnknown && slices.Contains(c.Unknown, UnknownCredentials)
	return func(r keyRow) byte {
		if either && r.who[longTerm] != r.who[column] {
			return '?'
		}
		return r.who[column]
	}
}

// keyCaller is the column of a caller.
func keyCaller(c Caller) int {
	switch c.Kind() {
	case User:
		if c.MFA == MFAAbsent {
			return longTerm
		}
		return temporary
	case AssumedRole:
		return roleSession
	case FederatedUser:
		return federated
	case Root:
		return root
	}
	return anybody
}

// ownKeys are the keys of each action, beside the global ones.
var ownKeys = map[string][]string{
	ActionStart: {
		"ssm:resourceTag/*", "ssm:SessionDocumentAccessCheck", "ssm:AccessRequestId", "ssm:DocumentType", "ssm:DocumentCategories",
		"ssm:NodeAccountId", "ssm:NodeOrgId",
	},
	ActionResume:    {SessionTagID, sessionTagTarget},
	ActionTerminate: {SessionTagID, sessionTagTarget},
	ActionExecute:   {"ecs:ResourceTag/*", "ecs:cluster", "ecs:container-name", "ecs:task", "ecs:enable-execute-command"},
	ActionDataKey: {
		"kms:CallerAccount", "kms:EncryptionAlgorithm", "kms:EncryptionContext:*", "kms:EncryptionContextKeys", "kms:RequestAlias", "kms:ViaService",
		"kms:RecipientAttestation:*", "kms:ResourceAliases", "kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage", "kms:MultiRegion*",
	},
}

// meantKeys are the keys that people write for those of another service or action, in
// lower case: what is meant of a tag, whatever its service.
var meantKeys = map[string]string{
	"ssm:sessionowner": SessionTagID, "ssm:sessionid": SessionTagID, "ssm:userid": "aws:userid", "ssm:username": "aws:username",
	"ssm:region": "aws:RequestedRegion", "ec2:region": "aws:RequestedRegion", "ssm:documentname": "", "ec2:instanceid": "", "ssm:target": "",
}

// ForeignKey reports whether a condition key is none that an action has, so that no
// request for it carries the key, and returns the key that was meant, "" if there is none.
func ForeignKey(action, key string) (meant string, foreign bool) {
	lower := strings.ToLower(key)
	service, name, ok := strings.Cut(lower, ":")
	if !ok || service == "aws" || service == "saml" || strings.Contains(service, ".") {
		return "", false
	}
	for _, own := range ownKeys[action] {
		if prefix, pattern := strings.CutSuffix(own, "*"); pattern && strings.HasPrefix(lower, strings.ToLower(prefix)) || strings.EqualFold(own, key) {
			return "", false
		}
	}
	for _, row := range keyTable {
		if strings.EqualFold(row.key, key) {
			return "", false // of a caller's session, so of every action
		}
	}
	if tag, ok := strings.CutPrefix(name, "resourcetag/"); ok && (action == ActionStart || action == ActionExecute || action == ActionDataKey) {
		original := key[len(key)-len(tag):]
		switch action {
		case ActionStart:
			return TagSSM + original, true
		case ActionExecute:
			return tagECS + original, true
		}
		return TagGlobal + original, true
	}
	meant = meantKeys[lower]
	if IsSessionTag(meant) && action == ActionStart {
		meant = ""
	}
	return meant, true
}
