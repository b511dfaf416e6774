package finding

import (
	"regexp"
	"strings"
	"sync"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Refusal is AWS's own account of why it refused a call, read from its message.
// What the message does not say is "".
type Refusal struct {
	Code      string     // error code: AccessDeniedException, TargetNotConnected ...
	Operation string     // API operation: StartSession
	User      string     // ARN of the caller as AWS names it
	Action    string     // ssm:StartSession
	Resource  string     // the ONE resource AWS names; there may be others
	Explicit  bool       // an explicit deny, not a missing allow
	Policy    string     // policy type: "identity-based policy", "service control policy" ...; "" when AWS gives no reason
	PolicyARN string     // of the policy that denies; only for explicit denies, and not always
	Encoded   string     // encoded authorization message, for sts:DecodeAuthorizationMessage
	Wrapped   string     // what the message was wrapped in: "KMSEncryption" for the plugin's handshake
	Rule      guard.Code // the rule that speaks of a message of the agent; "" for AWS's own
	Message   string     // the message itself, without the CLI's prefix, on one line
}

// Denied reports whether AWS refused for lack of permission.
func (r Refusal) Denied() bool {
	return r.Action != "" || r.Encoded != "" || strings.Contains(r.Code, "AccessDenied") || r.Code == "UnauthorizedOperation"
}

// IdentityPolicy is what AWS calls a policy of the caller's own.
const IdentityPolicy = "identity-based policy"

// policyTypes are the words of AWS's grammar.
var policyTypes = []string{
	"service control policy", "resource control policy", "VPC endpoint policy", "permissions boundary",
	"session policy", "resource-based policy", "role trust policy", IdentityPolicy,
}

// pattern is a regular expression that is compiled when it is first needed: most
// runs meet no refusal.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// The grammar, on a message whose white space is single blanks. See the page
// "Troubleshoot access denied error messages" of the IAM user guide.
var (
	rePrefix   = pattern(`(?i)an error occurred \(([A-Za-z0-9.]+)\)(?: when calling the (\w+) operation)?(?: \(reached max retries: \d+\))?: ?`)
	reSDK      = pattern(`operation error [\w ]+: (\w+), (?:exceeded maximum number of attempts, \d+, )?https response error StatusCode: \d+, RequestID: [^,]*,(?: HostID: [^,]*,)? (?:api error )?(\w+): ?`)
	reCode     = pattern(`\b(AccessDeniedException|AccessDenied|UnauthorizedOperation|TargetNotConnected|InvalidDocument|InvalidTarget|ThrottlingException)\b: ?`)
	reSentence = pattern(`(?i)\bUser:? (arn:\S+) is not authorized to perform: ([A-Za-z0-9*-]+:[A-Za-z0-9*]+)(?: on (?:the )?resources?: (\S+))?`)
	reExplicit = pattern(`(?i)with an explicit deny in (?:an?|the) (` + strings.Join(policyTypes, "|") + `)(?:: ?(arn:\S+))?`)
	reBareDeny = pattern(`(?i)with an explicit deny\b`)
	reImplicit = pattern(`(?i)because no (` + strings.Join(policyTypes, "|") + `) allows the \S+ action`)
	reEncoded  = pattern(`(?i)encoded authorization failure message: ?([A-Za-z0-9_+/=-]{16,})`)
	reKMS      = pattern(`KMSEncryption failed on client`)
	reKMSCall  = pattern(`Error calling KMS (\w+) API: ?`)
)

// agentMessages are what the agent on a target says when it cannot run an
// allowed session. See amazon-ssm-agent, agent/session.
var agentMessages = []struct {
	words string
	rule  guard.Code
}{
	{"RunAs default user", "SG709"},
	{"since RunAs user", "SG709"},
	{"encryption is not set up on the selected", "SG710"},
	{"Fetching data key failed", "SG711"},
}

// ParseRefusal reads an error message of AWS, of the AWS CLI, of an SDK or of
// the session-manager plugin, with newlines and prefixes as pasted. The bool is
// false when there is nothing of AWS's in it.
func ParseRefusal(message string) (Refusal, bool) {
	text := strings.Join(strings.Fields(message), " ")
	var r Refusal
	if reKMS().MatchString(text) {
		r.Wrapped = "KMSEncryption"
	}
	if m := reKMSCall().FindStringSubmatch(text); m != nil {
		r.Wrapped, r.Operation = "KMSEncryption", m[1]
	}
	text = r.prefix(text)
	if m := reSentence().FindStringSubmatch(text); m != nil {
		r.User, r.Action, r.Resource = m[1], m[2], trimARN(m[3])
	}
	if m := reExplicit().FindStringSubmatch(text); m != nil {
		r.Explicit, r.Policy, r.PolicyARN = true, policyType(m[1]), trimARN(m[2])
	} else if m := reImplicit().FindStringSubmatch(text); m != nil {
		r.Policy = policyType(m[1])
	} else if r.Action != "" {
		r.Explicit = reBareDeny().MatchString(text)
	}
	if m := reEncoded().FindStringSubmatch(text); m != nil {
		r.Encoded = m[1]
	}
	r.Message = text
	for _, m := range agentMessages {
		if r.Action == "" && strings.Contains(text, m.words) {
			r.Rule = m.rule
		}
	}
	return r, r.Code != "" || r.Action != "" || r.Encoded != "" || r.Rule != ""
}

// prefix takes error code and operation off the message, in the form of the AWS CLI,
// of an SDK, or of the API itself.
func (r *Refusal) prefix(text string) string {
	if m := rePrefix().FindStringSubmatchIndex(text); m != nil {
		r.Code = text[m[2]:m[3]]
		if m[4] >= 0 {
			r.Operation = text[m[4]:m[5]]
		}
		return text[m[1]:]
	}
	if m := reSDK().FindStringSubmatchIndex(text); m != nil {
		r.Operation, r.Code = text[m[2]:m[3]], text[m[4]:m[5]]
		return text[m[1]:]
	}
	if m := reCode().FindStringSubmatchIndex(text); m != nil {
		r.Code = text[m[2]:m[3]]
		return text[m[1]:]
	}
	return text
}

// trimARN drops what a sentence or a quotation leaves at the end of an ARN.
func trimARN(s string) string { return strings.TrimRight(s, `.,;"')`) }

// policyType returns AWS's own spelling of a policy type.
func policyType(s string) string {
	for _, t := range policyTypes {
		if strings.EqualFold(s, t) {
			return t
		}
	}
	return s
}

// Layer returns the layer of policy.Set that refused; the bool is false when AWS does
// not say, or it is another kind of policy.
func (r Refusal) Layer() (policy.Kind, bool) {
	for k := policy.Identity; k <= policy.Endpoint; k++ {
		if r.Policy != "" && (r.Policy == guard.Title(k) || k == policy.Identity && r.Policy == IdentityPolicy) {
			return k, true
		}
	}
	return 0, false
}
