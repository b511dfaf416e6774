package finding

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Refusal is what one error message says: AWS's own account of why it refused a
// call, or a message of a service, the agent, the plugin or the AWS CLI that we know.
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
	Wrapped   string     // what the message was wrapped in: "KMSEncryption" for the plugin's handshake, "data key" for the agent's
	Rule      guard.Code // the rule that speaks of a message that is no refusal by IAM
	Means     string     // what such a message means, a clause
	Do        string     // and what to do about it, a clause
	Message   string     // the message itself, without the CLI's prefix, on one line
}

// Denied reports whether AWS refused for lack of permission.
func (r Refusal) Denied() bool {
	return r.Rule == "" &&
		(r.Action != "" || r.Encoded != "" || strings.Contains(r.Code, "AccessDenied") || r.Code == "UnauthorizedOperation")
}

// IdentityPolicy is what AWS calls a policy of the caller's own.
const IdentityPolicy = "identity-based policy"

// The other words of AWS's grammar that decide who is to mend a refusal.
const (
	resourcePolicy = "resource-based policy"
	trustPolicy    = "role trust policy"
)

// policyTypes are the words of AWS's grammar.
var policyTypes = []string{
	"service control policy", "resource control policy", "VPC endpoint policy", "permissions boundary",
	"session policy", resourcePolicy, trustPolicy, IdentityPolicy,
}

// pattern is a regular expression that is compiled when it is first needed: most
// runs meet no refusal.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// errorCodes are the error codes that are known where no prefix says that it is one.
var errorCodes = []string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "TargetNotConnected", "InvalidDocument", "InvalidTarget", "ThrottlingException"}

// Pieces of the grammar. An ARN ends where a character stands that no name of IAM,
// Systems Manager, ECS, EC2 or KMS can have: a quotation mark of any kind, a bracket, an
// angle, a bar, any letter beyond ASCII.
const (
	arnText = `[A-Za-z0-9+=,.@_:/*#~%-]+`
	opening = "[\"'`*_~\\[({<\u2018\u2019\u201c\u201d\u00ab\u00bb\u201e\u300c\u300d]*"
	closing = "[\"'`*_\\])}>\u2018\u2019\u201c\u201d\u00ab\u00bb\u201e\u300c\u300d]*"
)

// The grammar, on a message whose white space is single blanks. See the page
// "Troubleshoot access denied error messages" of the IAM user guide. What follows the
// action is matched at its place, so that a reason belongs to the sentence that it ends.
var (
	rePrefix   = pattern(`[Aa]n error occurred \(([A-Za-z0-9.]+)\)(?: when calling the (\w+) operation)?(?: \(reached max retries: \d+\))?: ?`)
	reSDK      = pattern(`operation error [\w ]+: (\w+), (?:exceeded maximum number of attempts, \d+, )?https response error StatusCode: \d+, RequestID: [^,]*,(?: HostID: [^,]*,)? (?:api error )?(\w+): ?`)
	reCode     = pattern(`\b(` + strings.Join(errorCodes, "|") + `)\b(?: \(client\))?: ?`)
	reSentence = pattern(`(?i)(?:\bUser:?)?(?: ?` + opening + `(` + arnText + `)` + closing + `)? ?\bis not authorized to perform ?:? ?` + opening + `([a-z0-9-]+:[a-z0-9*]+)`)
	reBareSTS  = pattern(`\b[Nn]ot authorized to perform (sts:AssumeRoleWith(?:WebIdentity|SAML))\b`)
	reResource = pattern(`(?i)^` + closing + ` on (?:the )?(?:resources?:? ?` + opening + `(` + arnText + `)|` + opening + `(arn:` + arnText + `))`)
	reReason   = pattern(`(?i)^` + closing + `[.,;]? ?(?:(with an explicit deny)(?: in (?:an?|the) ([a-z -]*?(?:policy|permissions boundary))(?:: ?` + opening + `(arn:` + arnText + `))?)?` +
		`|because no ([a-z -]*?(?:policy|permissions boundary)) allows the \S+ action)`)
	reTruncated = pattern(`^` + closing + ` ?\(truncated`)
	reEncoded   = pattern(`ncoded authorization failure message: ?([A-Za-z0-9_+/=-]{16,})`)
	reKMSCall   = pattern(`Error calling KMS (\w+) API: ?`)
)

// maxReason bounds, in bytes, how far behind an action its resource and its reason are
// looked for.
const maxReason = 4096

// maxBefore bounds, in bytes, how far before a sentence its error code is looked for.
const maxBefore = 2048

// ParseRefusal reads the first of an error message, as ParseRefusals does. The bool is
// false when there is nothing in it that is known.
func ParseRefusal(message string) (Refusal, bool) {
	all := ParseRefusals(message)
	if len(all) == 0 {
		return Refusal{}, false
	}
	return all[0], true
}

// ParseRefusals reads what was pasted of AWS, the AWS CLI, an SDK, the plugin or the
// agent, with newlines, prefixes and whatever it was wrapped in: every refusal, in the
// order of the text and each only once, and after them every other message that is known.
func ParseRefusals(message string) []Refusal {
	text := unwrap(message)
	all, whole := sentences(text)
	if !whole && len(all) > 1 {
		all = complete(all)
	}
	for _, m := range known(text, len(all) > 0) {
		r := Refusal{Rule: m.code, Means: m.means, Do: m.do}
		r.Message = clip(r.prefix(text))
		all = append(all, r)
	}
	if len(all) > 0 {
		return once(all)
	}
	var r Refusal
	r.Message = clip(r.prefix(text))
	r.encoded(text)
	if r.Code == "" && r.Encoded == "" {
		return nil
	}
	return []Refusal{r}
}

// sentences finds the refusals of a text. whole is false when one was cut off, as some
// SDKs do before they print it again.
func sentences(text string) (all []Refusal, whole bool) {
	whole = true
	found := landmarks(text)
	from := 0
	for i, at := range found {
		next := len(text)
		if i+1 < len(found) {
			next = found[i+1][0]
		}
		var r Refusal
		before := text[max(from, at[0]-maxBefore):at[0]]
		r.prefix(before)
		r.wrapping(before)
		if at[2] >= 0 && (strings.HasPrefix(text[at[2]:], "arn:") || strings.HasPrefix(text[at[2]:], "***")) {
			r.User = text[at[2]:at[3]]
		}
		r.Action = trimARN(text[at[4]:at[5]])
		end := at[5] + r.tail(text[at[5]:next])
		if reTruncated().MatchString(text[end:min(next, end+maxReason)]) {
			whole = false
			r.Message = truncated
		} else {
			r.Message = strings.TrimSpace(text[at[0]:end])
		}
		r.encoded(text[end:next])
		all = append(all, r)
		from = end
	}
	if len(all) == 0 && strings.Contains(text, "ot authorized to perform sts:") {
		if m := reBareSTS().FindStringSubmatch(text); m != nil {
			r := Refusal{Action: m[1], Message: m[0]}
			r.prefix(text)
			all = append(all, r)
		}
	}
	return all, whole
}

// landmarks finds where reSentence matches. It looks around the words that every sentence
// has, because an expression that may begin with anything is slow on a long text.
func landmarks(text string) (found [][]int) {
	const words, around = "is not authorized to perform", 512
	lower := lowerASCII(text)
	from := 0
	for {
		i := strings.Index(lower[from:], words)
		if i < 0 {
			return found
		}
		at := from + i
		begin, end := max(from, at-around), min(len(text), at+len(words)+around)
		if m := reSentence().FindStringSubmatchIndex(text[begin:end]); m != nil {
			for j := range m {
				if m[j] >= 0 {
					m[j] += begin
				}
			}
			found = append(found, m)
		}
		from = at + len(words)
		if n := len(found); n > 0 {
			from = max(from, found[n-1][1])
		}
	}
}

// lowerASCII is strings.ToLower where every byte keeps its place.
func lowerASCII(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// tail reads what follows an action, and returns how long it is.
func (r *Refusal) tail(text string) int {
	text = text[:min(len(text), maxReason)]
	end := 0
	if m := reResource().FindStringSubmatchIndex(text); m != nil {
		at := max(m[2], m[4])
		r.Resource = trimARN(text[at:m[1]])
		if text[at-1] == '_' {
			r.Resource = strings.TrimSuffix(r.Resource, "_") // slanted print has one at both ends
		}
		if strings.Trim(r.Resource, "_~.,:#/@=+-%") == "" || m[4] >= 0 && len(r.Resource) <= len("arn:") {
			r.Resource = "" // print without a name
		} else {
			end = at + len(r.Resource)
		}
	}
	if r.Resource == "" && withoutResource(r.Action) {
		r.Resource = "*"
	}
	if m := reReason().FindStringSubmatchIndex(text[end:]); m != nil {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[end:][m[2*i]:m[2*i+1]]
		}
		r.Explicit = part(1) != ""
		if arn := trimARN(part(3)); len(arn) > len("arn:") {
			r.PolicyARN = arn
		}
		r.Policy = policyType(part(2) + part(4))
		end += m[1]
	}
	return end
}

// truncated marks a sentence that was cut off until another is found to be the whole.
const truncated = "(truncated)"

// complete drops the sentences that were cut off where there are others.
func complete(all []Refusal) []Refusal {
	var kept []Refusal
	for _, r := range all {
		if r.Message != truncated {
			kept = append(kept, r)
		}
	}
	if kept == nil {
		return all
	}
	return kept
}

// once drops what was said before, in other words or in the same ones.
func once(all []Refusal) []Refusal {
	type said struct {
		user, action, resource, policy, arn, encoded, means string
		explicit                                            bool
	}
	seen := make(map[said]bool)
	kept := all[:0]
	for _, r := range all {
		if r.Message == truncated {
			// The end of what was cut off may have been the end of a name.
			if r.Resource == "" || r.Resource == "*" {
				r.Action = ""
			}
			r.Code, r.Resource, r.Message = "AccessDenied", "", "the message was cut off"
		}
		this := said{r.User, r.Action, r.Resource, r.Policy, r.PolicyARN, r.Encoded, string(r.Rule) + r.Means, r.Explicit}
		if !seen[this] {
			seen[this] = true
			kept = append(kept, r)
		}
	}
	return kept
}

// withoutResource reports whether an action has no resource, so that AWS names none.
// Of others a message that names none has left it out.
func withoutResource(action string) bool {
	service, name, _ := strings.Cut(action, ":")
	return service == "ssmmessages" || strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List")
}

// encoded keeps the encoded message of a text, if there is one.
func (r *Refusal) encoded(text string) {
	if !strings.Contains(text, "ncoded authorization failure message: ") {
		return
	}
	if m := reEncoded().FindStringSubmatch(text); m != nil {
		r.Encoded = m[1]
	}
}

// wrapping notes what called AWS, when the message says so.
func (r *Refusal) wrapping(text string) {
	if m := reKMSCall().FindStringSubmatch(text); m != nil {
		r.Wrapped, r.Operation = "KMSEncryption", m[1]
	}
	switch {
	case strings.Contains(text, "KMSEncryption failed on client"):
		r.Wrapped = "KMSEncryption"
	case strings.Contains(text, "data key"):
		r.Wrapped = "data key"
	}
}

// prefix takes error code and operation off the message, in the form of the AWS CLI,
// of an SDK, or of the API itself. Of several the last counts: it stands before the sentence.
func (r *Refusal) prefix(text string) string {
	last := func(re *regexp.Regexp, words ...string) []int {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) }) {
			return nil
		}
		all := re.FindAllStringSubmatchIndex(text, -1)
		if all == nil {
			return nil
		}
		return all[len(all)-1]
	}
	if m := last(rePrefix(), "rror occurred ("); m != nil {
		r.Code = text[m[2]:m[3]]
		if m[4] >= 0 {
			r.Operation = text[m[4]:m[5]]
		}
		return text[m[1]:]
	}
	if m := last(reSDK(), "operation error "); m != nil {
		r.Operation, r.Code = text[m[2]:m[3]], text[m[4]:m[5]]
		return text[m[1]:]
	}
	if m := last(reCode(), errorCodes...); m != nil {
		r.Code = text[m[2]:m[3]]
		return text[m[1]:]
	}
	return text
}

// clip shortens a message to what is read.
func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " ..."
}

// trimARN drops what a sentence, or bold or slanted print, leaves at the end of an ARN. One
// or two stars behind a name are print; behind a colon or a slash they are of the ARN, and
// three stand for a value that is hidden.
func trimARN(s string) string {
	s = strings.TrimRight(s, ".,:")
	name := strings.TrimRight(s, "*")
	if stars := len(s) - len(name); stars == 1 || stars == 2 {
		if end := strings.TrimRight(name, ".,"); end != "" && guard.Made(end[len(end)-1:], "_-") {
			return end
		}
	}
	return s
}

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
