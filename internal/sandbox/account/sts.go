package account

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/world"
)

var stsOperations = map[string]handler{
	"GetCallerIdentity":          getCallerIdentity,
	"AssumeRole":                 assumeRole,
	"AssumeRoleWithWebIdentity":  assumeRoleWithWebIdentity,
	"GetSessionToken":            getSessionToken,
	"GetFederationToken":         getFederationToken,
	"DecodeAuthorizationMessage": decodeAuthorizationMessage,
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity needs no permission.
func getCallerIdentity(c *call) (any, error) {
	return callerIdentity{c.who.ARN, c.who.userID, c.world.Account}, nil
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (c *caller) sts() stsCredentials {
	return stsCredentials{c.AccessKeyID, c.Credentials.SecretAccessKey, c.Credentials.SessionToken, c.Expires.UTC().Format(time.RFC3339)}
}

type assumedRole struct {
	Credentials stsCredentials
	UserID      string `xml:"AssumedRoleUser>AssumedRoleId"`
	Arn         string `xml:"AssumedRoleUser>Arn"`
	Provider    string `xml:",omitempty"`
}

var (
	sessionNameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) })
	tokenCodeForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{6}$`) })
)

func assumeRole(c *call) (any, error) {
	role, err := c.roleToAssume()
	if err != nil {
		return nil, err
	}
	mfa, err := c.mfaGiven()
	if err != nil {
		return nil, err
	}
	on := object{arn: c.roleARN(role)}
	trusted, direct := trusts(role, c.who, c.world)
	if !trusted || role.TrustMFA && !mfa && !c.who.mfa {
		return nil, c.denied("sts:AssumeRole", on, reason{layer: "role trust policy"})
	}
	if f := c.judge("sts:AssumeRole", on); f != nil && (!direct || strings.Contains(f.Message, "explicit deny")) {
		return nil, f
	}
	if c.form.Get("Tags.member.1.Key") != "" {
		if err := c.authorize("sts:TagSession", on); err != nil {
			return nil, err
		}
	}
	return c.assume(world.Login{Principal: "role/" + role.Name, MFA: mfa})
}

// roleToAssume checks the common input of both ways to assume a role.
func (c *call) roleToAssume() (*world.Role, error) {
	if !sessionNameForm().MatchString(c.form.Get("RoleSessionName")) {
		return nil, invalid(c.form.Get("RoleSessionName"), "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	arn := c.form.Get("RoleArn")
	for i := range c.world.Roles {
		if c.roleARN(&c.world.Roles[i]) == arn {
			return &c.world.Roles[i], nil
		}
	}
	return nil, &fault{Code: "AccessDenied", Status: http.StatusForbidden, Message: c.denialOf("sts:AssumeRole", arn)}
}

func (c *call) denialOf(action, arn string) string {
	if c.who == nil {
		return "Not authorized to perform " + action + "WithWebIdentity"
	}
	return "User: " + c.who.ARN + " is not authorized to perform: " + action + " on resource: " + arn
}

// trusts reports whether the role's trust policy names the caller; direct, by his own ARN.
func trusts(r *world.Role, who *caller, w world.World) (trusted, direct bool) {
	for _, t := range r.Trust {
		switch {
		case t == who.principal || t == who.ARN:
			return true, true
		case t == "*" || t == w.Account || strings.HasSuffix(t, ":"+w.Account+":root"):
			trusted = true
		}
	}
	return trusted, false
}

// mfaGiven checks SerialNumber and TokenCode; any six digits but 000000 are the right code.
func (c *call) mfaGiven() (bool, error) {
	serial, code := c.form.Get("SerialNumber"), c.form.Get("TokenCode")
	if serial == "" && code == "" {
		return false, nil
	}
	if !tokenCodeForm().MatchString(code) {
		return false, invalid(code, "tokenCode", `Member must satisfy regular expression pattern: [\d]*`)
	}
	if serial != c.iamARN("mfa/"+c.who.name) || code == "000000" {
		return false, &fault{Code: "AccessDenied", Status: http.StatusForbidden, Message: "MultiFactorAuthentication failed with invalid MFA one time pass code. "}
	}
	return true, nil
}

// assume issues a role session with the session policies, tags and duration of the request.
func (c *call) assume(l world.Login) (any, error) {
	longest := 12 * time.Hour
	if c.who != nil && c.who.kind == typeRole {
		longest = time.Hour // role chaining
	}
	life, err := c.duration(time.Hour, longest)
	if err != nil {
		return nil, err
	}
	l.Session, l.Tags = c.form.Get("RoleSessionName"), c.members("Tags.member.%d.Key", "Tags.member.%d.Value")
	who, err := c.issueSession(l, life)
	if err != nil {
		return nil, err
	}
	return assumedRole{Credentials: who.sts(), UserID: who.userID, Arn: who.ARN, Provider: who.provider}, nil
}

// issueSession enters a temporary caller under the session policies of the request.
func (c *call) issueSession(l world.Login, life time.Duration) (*caller, error) {
	who, err := c.callerOf(l)
	if err != nil {
		return nil, refuse("ValidationError", "%v", err)
	}
	if err := c.sessionPolicies(who); err != nil {
		return nil, err
	}
	who.ARN = who.arn(c.world)
	c.sign(who, world.Login{}, life)
	return who, nil
}

// sessionPolicies reads Policy and PolicyArns, within the quota of 2048 characters and 10 ARNs.
func (c *call) sessionPolicies(who *caller) error {
	var texts []string
	if p := c.form.Get("Policy"); p != "" {
		if len(p) > 2048 {
			return invalid("...", "policy", "Member must have length less than or equal to 2048")
		}
		texts = append(texts, p)
	}
	for _, arn := range c.list("PolicyArns.member.%d.arn") {
		m := c.managedByARN(arn)
		if m == nil {
			return refuse("PackedPolicyTooLarge", "Policy %s does not exist or is not attachable.", arn)
		}
		texts = append(texts, m.Document)
	}
	for i, text := range texts {
		src := source{key: fmt.Sprintf("session %s %d", who.sessionID, i), layer: layerSession, text: text}
		if err := c.parse(&src); err != nil {
			return refuse("MalformedPolicyDocument", "%v", err)
		}
		who.session = append(who.session, src)
	}
	who.bounded = who.bounded || len(texts) > 0
	return nil
}

func (c *call) duration(standard, longest time.Duration) (time.Duration, error) {
	text := c.form.Get("DurationSeconds")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	life := time.Duration(n) * time.Second
	if err != nil || life < 15*time.Minute || life > longest {
		return 0, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return life, nil
}

type webToken struct {
	Subject string `json:"sub"`
	Issuer  string `json:"iss"`
	Expires int64  `json:"exp"`
}

// assumeRoleWithWebIdentity reads the token's claims; the account has no keys to check it with.
func assumeRoleWithWebIdentity(c *call) (any, error) {
	var t webToken
	parts := strings.Split(c.form.Get("WebIdentityToken"), ".")
	if len(parts) != 3 {
		return nil, refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(claims, &t) != nil {
		return nil, refuse("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
	}
	if t.Expires != 0 && c.now().Unix() > t.Expires {
		return nil, refuse("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	}
	role, err := c.roleToAssume()
	if err != nil {
		return nil, err
	}
	provider := strings.TrimPrefix(t.Issuer, "https://")
	for _, trust := range role.Trust {
		if trust == federatedTrust+provider {
			return c.assume(world.Login{Principal: "role/" + role.Name, Provider: provider})
		}
	}
	return nil, &fault{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
}

const federatedTrust = "federated:"

type sessionToken struct {
	Credentials stsCredentials
}

func getSessionToken(c *call) (any, error) {
	if c.who.temporary {
		return nil, &fault{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Cannot call GetSessionToken with session credentials"}
	}
	mfa, err := c.mfaGiven()
	if err != nil {
		return nil, err
	}
	life, err := c.duration(12*time.Hour, 36*time.Hour)
	if err != nil {
		return nil, err
	}
	l := world.Login{Principal: "root", Temporary: true, MFA: mfa}
	if c.who.kind == typeUser {
		l.Principal = "user/" + c.who.name
	}
	who, err := c.issueSession(l, life)
	if err != nil {
		return nil, err
	}
	return sessionToken{who.sts()}, nil
}

type federationToken struct {
	Credentials     stsCredentials
	FederatedUserID string `xml:"FederatedUser>FederatedUserId"`
	Arn             string `xml:"FederatedUser>Arn"`
}

func getFederationToken(c *call) (any, error) {
	if c.who.kind != typeUser || c.who.temporary {
		return nil, &fault{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Cannot call GetFederationToken with session credentials"}
	}
	name := c.form.Get("Name")
	if err := c.authorize("sts:GetFederationToken", object{arn: c.arn("sts", "", federatedPath+name)}); err != nil {
		return nil, err
	}
	life, err := c.duration(12*time.Hour, 36*time.Hour)
	if err != nil {
		return nil, err
	}
	who, err := c.issueSession(world.Login{Principal: "federated/" + c.who.name + "/" + name, Tags: c.members("Tags.member.%d.Key", "Tags.member.%d.Value")}, life)
	if err != nil {
		return nil, err
	}
	return federationToken{who.sts(), who.userID, who.ARN}, nil
}

type decodedMessage struct{ DecodedMessage string }

func decodeAuthorizationMessage(c *call) (any, error) {
	if err := c.authorize("sts:DecodeAuthorizationMessage", anything); err != nil {
		return nil, err
	}
	text, ok := c.unseal(c.form.Get("EncodedMessage"))
	if !ok {
		return nil, refuse("InvalidAuthorizationMessageException", "Error: Invalid encoded authorization message")
	}
	return decodedMessage{text}, nil
}
