package guard

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ssmguard/guard/policy"
)

// Keyring fills one grant's context. In a closed world a key that is not given is
// absent, so unknown does nothing there.
type Keyring struct {
	c      policy.Context
	closed bool
}

func (k *Keyring) set(key, value string) { k.c.Set(key, value) }

func (k *Keyring) multi(key string, values []string) { k.c.SetMulti(key, values...) }

func (k *Keyring) absent(patterns ...string) {
	for _, p := range patterns {
		k.c.SetAbsent(p)
	}
}

// Unknown says that it is not known whether keys, or all keys with a prefix, are
// in the request.
func (k *Keyring) Unknown(patterns ...string) {
	if k.closed {
		return
	}
	for _, p := range patterns {
		k.c.SetUnknown(p)
	}
}

// oneOf says that a key is absent or has one of the values, in a closed world too.
func (k *Keyring) oneOf(key string, values ...string) { k.c.SetOneOf(key, values...) }

// present says that a key is in the request, with a value that is not known, in a
// closed world too.
func (k *Keyring) present(key string) { k.c.SetPresent(key) }

// stated takes a key from the user; several values make it multivalued.
func (k *Keyring) stated(key string, values []string) {
	if len(values) == 1 {
		k.set(key, values[0])
		return
	}
	k.multi(key, values)
}

// tags sets a resource's tags under the given prefixes; every other tag is
// absent. Two tags that differ only by case are one key to IAM, which of the
// two it takes is not documented.
func (k *Keyring) tags(tags map[string]string, known bool, prefixes ...string) {
	for _, prefix := range prefixes {
		if !known {
			k.Unknown(prefix + "*")
			continue
		}
		k.absent(prefix + "*")
		seen := make(map[string]bool)
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			if lower := strings.ToLower(key); seen[lower] {
				k.Unknown(prefix + key)
			} else {
				seen[lower] = true
				k.set(prefix+key, tags[key])
			}
		}
	}
}

// table says of every key what keyTable has for the caller.
func (k *Keyring) table(c Caller) {
	if k.closed {
		return
	}
	signOf := rowSigns(c)
	for _, row := range keyTable {
		sign := signOf(row)
		if !strings.HasSuffix(row.key, "*") {
			state := policy.KeyUnknown
			if sign == '-' {
				state = policy.KeyAbsent
			}
			if _, _, now := k.c.Lookup(row.key); now == state && strings.IndexByte("-?=", sign) >= 0 {
				continue // as for the keys of its kind
			}
		}
		switch sign {
		case '-':
			k.absent(row.key)
		case '+':
			k.present(row.key)
		case 'f':
			k.oneOf(row.key, "false")
		default:
			k.Unknown(row.key)
		}
	}
}

var principalTypes = map[Kind]string{User: "User", AssumedRole: "AssumedRole", FederatedUser: "FederatedUser", Root: "Account"}

// callerKeys are the keys of the principal.
func callerKeys(k *Keyring, r Request) {
	c := r.Caller
	known := func(key, value string) {
		if value == "" {
			k.Unknown(key)
			return
		}
		k.set(key, value)
	}
	nobody := slices.Contains(c.Unknown, UnknownPrincipal)
	k.valued("aws:userid", c.UserID)
	k.valued("aws:PrincipalAccount", c.Account)
	known("aws:PrincipalType", principalTypes[c.Kind()])
	switch c.Kind() {
	case User:
		k.valued("aws:username", c.UserName())
		k.absent("aws:FederatedProvider")
	case KindUnknown:
		k.Unknown("aws:username")
	default:
		k.absent("aws:username")
	}
	k.valued("aws:PrincipalArn", principalARN(c))
	if nobody {
		for _, key := range []string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:username"} {
			k.present(key)
		}
	}
	sessionTags := c.Kind() != Root && slices.Contains(c.Unknown, UnknownSessionTags)
	k.tags(c.Tags, c.Kind() == Root || !slices.Contains(c.Unknown, UnknownPrincipalTags) && !sessionTags, "aws:PrincipalTag/")
	mfaKeys(k, c)
}

// valued sets a key that every request of its kind has; an empty value is not known.
func (k *Keyring) valued(key, value string) {
	if value == "" {
		k.present(key)
		return
	}
	k.set(key, value)
}

// principalARN returns aws:PrincipalArn: the role's ARN for its sessions.
func principalARN(c Caller) string {
	if slices.Contains(c.Unknown, UnknownPath) {
		return ""
	}
	if c.Principal == "" && c.Kind() != AssumedRole {
		return c.SessionARN
	}
	return c.Principal
}

func mfaKeys(k *Keyring, c Caller) {
	switch c.MFA {
	case MFAAbsent:
		k.absent("aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:TokenIssueTime", "aws:SourceIdentity", "aws:FederatedProvider")
	case MFAFalse:
		k.set("aws:MultiFactorAuthPresent", "false")
		k.absent("aws:MultiFactorAuthAge")
	case MFATrue:
		k.set("aws:MultiFactorAuthPresent", "true")
	}
}

// callKeys are the keys of the call itself.
func callKeys(k *Keyring, r Request, f Facts) {
	k.valued(KeyRegion, r.Region)
	k.set("aws:SecureTransport", "true")
	k.set("aws:ViaAWSService", "false")
	k.set("aws:PrincipalIsAWSService", "false")
	if !f.At.IsZero() {
		k.clock(f.At)
	}
}

const (
	keyTime  = "aws:CurrentTime"
	keyEpoch = "aws:EpochTime"
)

// clock sets the time of the call.
func (k *Keyring) clock(at time.Time) {
	k.set(keyTime, at.UTC().Format(time.RFC3339))
	k.set(keyEpoch, strconv.FormatInt(at.Unix(), 10))
}

// The prefixes of the condition keys that stand for a resource's tags, and the tags
// of sessions. See the service authorization reference of Systems Manager.
const (
	TagSSM    = "ssm:resourceTag/"
	TagGlobal = "aws:ResourceTag/"
	// Sessions alone carry these two tags; AWS sets them.
	SessionTagID     = "ssm:resourceTag/aws:ssmmessages:session-id"
	sessionTagTarget = "ssm:resourceTag/aws:ssmmessages:target-id"
)

func startKeys(k *Keyring, r Request) {
	// For a session that the caller starts, this key is absent or "true", never
	// "false": an administrator's Deny of SSM-SessionManagerRunShell was reported to
	// refuse the shell with the condition BoolIfExists "true" as it does without
	// (Classmethod, 2024-07-24). Which of the two it is, no page of AWS's guide says:
	// its sample policies carried the key until 2023
	// (getting-started-sessiondocumentaccesscheck, -restrict-access-quickstart),
	// getting-started-restrict-access-examples and the others of today do not.
	k.oneOf("ssm:SessionDocumentAccessCheck", "true")
	// Sessions of just-in-time access carry it; their credentials are temporary.
	if r.Caller.MFA == MFAAbsent {
		k.absent("ssm:AccessRequestId")
	} else {
		k.Unknown("ssm:AccessRequestId")
	}
	// For service control and endpoint policies alone, and of which calls is not said.
	k.Unknown("ssm:NodeAccountId", "ssm:NodeOrgId")
	k.absent("ssm:resourceTag/aws:ssmmessages:*")
}

func targetKeys(k *Keyring, r Request, f Facts) {
	k.tags(f.TargetTags, !slices.Contains(f.Unknown, UnknownTargetTags), TagSSM, TagGlobal)
	startKeys(k, r)
	k.callersAccount(r)
}

// ownerKeys are the keys about the account that owns a resource.
var ownerKeys = []string{"aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths"}

// callersAccount says that the resource is in the caller's account.
func (k *Keyring) callersAccount(r Request) {
	if slices.Contains(r.Caller.Unknown, UnknownPrincipal) {
		k.c.SetSame("aws:ResourceAccount", "aws:PrincipalAccount")
		return
	}
	k.set("aws:ResourceAccount", r.Caller.Account)
}

func documentKeys(k *Keyring, r Request, f Facts) {
	owned := AwsOwned(r, f)
	known := owned || !slices.Contains(f.Unknown, UnknownDocumentTags)
	tags := f.DocumentTags
	if owned {
		tags = nil // an AWS-owned document carries no tags of the account
	}
	k.tags(tags, known, TagSSM, TagGlobal)
	startKeys(k, r)
	switch {
	case f.DocumentType != "":
		k.set("ssm:DocumentType", f.DocumentType)
	case !k.closed && hasDocumentType(r) && (SightOf(r, f) == DocumentThere || SightOf(r, f) == documentUnasked):
		k.set("ssm:DocumentType", "Session") // any other starts no session
	default:
		k.Unknown("ssm:DocumentType")
	}
	k.Unknown("ssm:DocumentCategories")
	switch account := ArnField(documentARN(r, f), 4); account {
	case "":
		// AWS's own accounts are in no organization of its customers.
		k.Unknown("aws:ResourceAccount")
		k.absent("aws:ResourceOrgID", "aws:ResourceOrgPaths")
	case r.Caller.Account:
		k.callersAccount(r)
	default:
		k.set("aws:ResourceAccount", account)
	}
}

// hasDocumentType reports whether the key ssm:DocumentType exists in the request's
// partition: the service authorization reference names three.
func hasDocumentType(r Request) bool {
	return slices.Contains([]string{"aws", "aws-cn", "aws-us-gov"}, Partition(r))
}

// tagCharacters are what AWS allows in the value of the tags it puts on a
// session; a name with others leaves the session without them.
const tagCharacters = " _.:/=+-@\\"

func sessionKeys(k *Keyring, r Request, _ Facts) {
	k.callersAccount(r)
	k.absent(TagSSM + "*")
	if slices.Contains(r.Caller.Unknown, UnknownPrincipal) {
		k.set("aws:username", r.Caller.UserName()) // the session's ARN has the same
	}
	id := r.Caller.UserID
	switch name := cmp.Or(id, r.Caller.SessionName()); {
	case name == "" || strings.ContainsFunc(name, func(c rune) bool {
		return c < 0x80 && !isAlnum(c) && !strings.ContainsRune(tagCharacters, c)
	}):
		k.Unknown(SessionTagID)
	case id == "":
		k.c.SetSame(SessionTagID, "aws:userid")
	default:
		k.set(SessionTagID, id)
	}
	k.set(sessionTagTarget, r.Target)
}

func isAlnum(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func channelKeys(k *Keyring, r Request, _ Facts) {
	// The service authorization reference lists no resource and no key of its own
	// for the action; which resource AWS evaluates, if any, is not documented.
	k.absent(TagSSM+"*", TagGlobal+"*", "ssmmessages:*")
	k.Unknown("aws:ResourceAccount")
}

func kmsKeys(k *Keyring, r Request, f Facts) {
	k.set("kms:CallerAccount", r.Caller.Account)
	k.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
	k.multi("kms:EncryptionContextKeys", []string{"aws:ssm:SessionId", "aws:ssm:TargetId"})
	k.set("kms:EncryptionContext:aws:ssm:TargetId", r.Target)
	if r.SessionID != "" {
		k.set("kms:EncryptionContext:aws:ssm:SessionId", r.SessionID)
	} else {
		k.Unknown("kms:EncryptionContext:aws:ssm:SessionId")
	}
	if f.KMSAlias != "" {
		k.set("kms:RequestAlias", f.KMSAlias)
	}
	k.Unknown(TagGlobal+"*", "kms:ResourceAliases", "kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage", "kms:MultiRegion*")
	if account := ArnField(f.KMSKey, 4); account != "" {
		k.set("aws:ResourceAccount", account)
	}
}
