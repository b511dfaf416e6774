package guard

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind is the kind of principal that calls; it decides which condition keys exist.
type Kind int

// The kinds of principal. See IAM's table of policy variables by principal.
const (
	KindUnknown   Kind = iota
	User               // an IAM user, with long-term keys or GetSessionToken credentials
	AssumedRole        // any role session: AssumeRole, SSO, EC2, ECS, web identity
	FederatedUser      // credentials of sts:GetFederationToken
	Root               // the account's root user
)

// MFA is what is known of aws:MultiFactorAuthPresent. Long-term keys do not
// carry the key at all, which is not the same as carrying "false".
type MFA int

// The states of aws:MultiFactorAuthPresent.
const (
	MFAUnknown MFA = iota
	MFAAbsent      // long-term credentials: the key is not in the request
	MFAFalse
	MFATrue
)

// Caller is who asks. See sts:GetCallerIdentity.
type Caller struct {
	SessionARN string            // the ARN STS reports; an assumed-role ARN for roles
	Principal  string            // the IAM ARN policies hang on: user, or role with its path; "" when not known
	Account    string            // 12 digits
	UserID     string            // aws:userid
	Partition  string            // aws, aws-cn, aws-us-gov ...
	Tags       map[string]string // aws:PrincipalTag/KEY, as far as known
	MFA        MFA
	Unknown    []string // of UnknownPrincipalTags ... UnknownCredentials
}

// Request is one StartSession call as it would be sent.
type Request struct {
	Caller     Caller
	Region     string              // "" if nobody stated it, of a question about policy files
	Target     string              // i-..., mi-..., ecs:cluster_task_runtime
	Document   string              // name or ARN; "" means the default document, SSM-SessionManagerRunShell
	Parameters map[string][]string // as in StartSession

	// Container, when not empty, makes this a request for ecs:ExecuteCommand in
	// that container of the Target; Document is ExecuteDocument then.
	Container string

	SessionID string // "" before the session exists; then a usual id stands for it
	Closed    bool   // a key not given is absent, not unknown
	Files     bool   // a question about policy files, which nobody is asked about

	// Context are condition keys the user states; they win over what the table says.
	// "target:KEY" and "document:KEY" are stated of that resource alone.
	Context map[string][]string
}

// With returns the request for another target and document, of which nothing was
// stated that was stated of the first alone.
func (r Request) With(target, document string) Request {
	var dropped []string
	if target != r.Target {
		dropped = append(dropped, ofTarget)
	}
	if document != r.Document {
		dropped = append(dropped, ofDocument)
	}
	r.Target, r.Document = target, document
	if r.Context != nil && len(dropped) > 0 {
		r.Context = maps.Clone(r.Context)
		maps.DeleteFunc(r.Context, func(key string, _ []string) bool {
			return slices.ContainsFunc(dropped, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		})
	}
	return r
}

// The prefixes of keys that are stated of one resource.
const (
	ofTarget   = "target:"
	ofDocument = "document:"
)

// statedOf tells the key of a Request.Context from the resource it is stated of, "" for all.
func statedOf(key string) (prefix, name string) {
	for _, prefix := range []string{ofTarget, ofDocument} {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			return prefix, name
		}
	}
	return "", key
}

// The names Facts.Unknown and Caller.Unknown use for what could not be read.
const (
	UnknownTargetTags    = "target tags"
	UnknownDocumentTags  = "document tags"
	UnknownDocumentType  = "document type"
	UnknownKMSKey        = "kms key"
	UnknownHealth        = "target health"
	UnknownPrincipalTags = "principal tags"
	UnknownSessionTags   = "session tags"
	UnknownPrincipal     = "principal"   // the ARNs and the account stand for somebody
	UnknownPath          = "path"        // of the role: the ARN of its session has none
	UnknownCredentials   = "credentials" // long-term or temporary
)

// Facts is what could be read about the request's resources. What could not be
// read is named in Unknown and never stands as absent (design law 4).
type Facts struct {
	TargetTags    map[string]string
	DocumentTags  map[string]string
	DocumentOwner string // account id, or "Amazon" for AWS-owned; "" when not read
	DocumentType  string // "Session", "Command" ...; "" when not read

	// DocumentMissing says that the account has no such document, or not for this
	// caller; SessionDocuments are then the names of those there are, as far as read.
	DocumentMissing  bool
	SessionDocuments []string

	SessionType string // "Standard_Stream", "Port", "InteractiveCommands", "NonInteractiveCommands"; "" when not read
	KMSKey      string // ARN of the key the session data is encrypted with, "" for none
	KMSAlias    string // the alias the document names, when it names one
	Health      Health
	At          time.Time // when this was read: aws:CurrentTime; the zero time makes it unknown
	Unknown     []string  // of the Unknown names above
}

// UnknownFacts returns the Facts of which nothing could be read.
func UnknownFacts() Facts {
	return Facts{Unknown: []string{UnknownTargetTags, UnknownDocumentTags, UnknownDocumentType, UnknownKMSKey, UnknownHealth}}
}

// Health is what the account shows of the target beside permissions. An empty
// field was not read or does not apply, and supports no finding.
type Health struct {
	Registered   *bool     // whether Systems Manager lists the target at all; nil when not read
	Ping         string    // Online, ConnectionLost, Inactive
	LastPing     time.Time // of the agent
	Connection   string    // ssm:GetConnectionStatus: connected, notconnected
	AgentVersion string    // 3.2.2303.0
	Platform     string    // Linux, Windows, MacOS
	State        string    // EC2 instance state: running, stopped ...; for a task its last status
	Profile      *string   // instance profile ARN, "" when there is none; nil when not read
	ExecEnabled  *bool     // ECS: enableExecuteCommand of the task; nil when not read
	Missing      bool      // EC2 answered that it has no such instance in the request's region
	FoundIn      string    // region in which the target does exist, when not the request's
}
