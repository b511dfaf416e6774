package account

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var stsOperations = map[string]api.Handler{
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
func getCallerIdentity(c *api.Request) (any, error) {
	return callerIdentity{c.Who.ARN, c.Who.UserID, c.World.Account}, nil
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func sts(c *api.Caller) stsCredentials {
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

func assumeRole(c *api.Request) (any, error) {
	role, err := roleToAssume(c)
	if err != nil {
		return nil, err
	}
	mfa, err := mfaGiven(c)
	if err != nil {
		return nil, err
	}
	on := api.Object{ARN: c.RoleARN(role)}
	trusted, direct := trusts(role, c.Who, c.World)
	if !trusted || role.TrustMFA && !mfa && !c.Who.MFA {
		return nil, c.Denied("sts:AssumeRole", on, api.Reason{Layer: "role trust policy"})
	}
	if f := c.Judge("sts:AssumeRole", on); f != nil && (!direct || strings.Contains(f.Message, "explicit deny")) {
		return nil, f
	}
	if c.Form.Get("Tags.member.1.Key") != "" {
		if err := c.Authorize("sts:TagSession", on); err != nil {
			return nil, err
		}
	}
	return assume(c, world.Login{Principal: "role/" + role.Name, MFA: mfa})
}

// roleToAssume checks the common input of both ways to assume a role.
func roleToAssume(c *api.Request) (*world.Role, error) {
	if !sessionNameForm().MatchString(c.Form.Get("RoleSessionName")) {
		return nil, api.Invalid(c.Form.Get("RoleSessionName"), "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	arn := c.Form.Get("RoleArn")
	for i := range c.World.Roles {
		if c.RoleARN(&c.World.Roles[i]) == arn {
			return &c.World.Roles[i], nil
		}
	}
	return nil, &api.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: denialOf(c, "sts:AssumeRole", arn)}
}

func denialOf(c *api.Request, action, arn string) string {
	if c.Who == nil {
		return "Not authorized to perform " + action + "WithWebIdentity"
	}
	return "User: " + c.Who.ARN + " is not authorized to perform: " + action + " on resource: " + arn
}

// trusts reports whether the role's trust policy names the caller; direct, by his own ARN.
func trusts(r *world.Role, who *api.Caller, w world.World) (trusted, direct bool) {
	for _, t := range r.Trust {
		switch {
		case t == who.Principal || t == who.ARN:
			return true, true
		case t == "*" || t == w.Account || strings.HasSuffix(t, ":"+w.Account+":root"):
			trusted = true
		}
	}
	return trusted, false
}

// mfaGiven checks SerialNumber and TokenCode; any six digits but 000000 are the right code.
func mfaGiven(c *api.Request) (bool, error) {
	serial, code := c.Form.Get("SerialNumber"), c.Form.Get("TokenCode")
	if serial == "" && code == "" {
		return false, nil
	}
	if !tokenCodeForm().MatchString(code) {
		return false, api.Invalid(code, "tokenCode", `Member must satisfy regular expression pattern: [\d]*`)
	}
	if serial != c.IAMARN("mfa/"+c.Who.Name) || code == "000000" {
		return false, &api.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: "MultiFactorAuthentication failed with invalid MFA one time pass code. "}
	}
	return true, nil
}

// assume issues a role session with the session policies, tags and duration of the request.
func assume(c *api.Request, l world.Login) (any, error) {
	longest := 12 * time.Hour
	if c.Who != nil && c.Who.Kind == api.TypeRole {
		longest = time.Hour // role chaining
	}
	life, err := duration(c, time.Hour, longest)
	if err != nil {
		return nil, err
	}
	l.Session, l.Tags = c.Form.Get("RoleSessionName"), c.Members("Tags.member.%d.Key", "Tags.member.%d.Value")
	who, err := issueSession(c, l, life)
	if err != nil {
		return nil, err
	}
	return assumedRole{Credentials: sts(who), UserID: who.UserID, Arn: who.ARN, Provider: who.Provider}, nil
}

// issueSession adds a temporary caller with the session policies of the request.
func issueSession(c *api.Request, l world.Login, life time.Duration) (*api.Caller, error) {
	who, err := c.CallerOf(l)
	if err != nil {
		return nil, api.Refuse("ValidationError", "%v", err)
	}
	if err := sessionPolicies(c, who); err != nil {
		return nil, err
	}
	who.ARN = who.PrincipalARN(c.World)
	c.Sign(who, world.Login{}, life)
	return who, nil
}

// sessionPolicies reads Policy and PolicyArns, within the quota of 2048 characters and 10 ARNs.
func sessionPolicies(c *api.Request, who *api.Caller) error {
	var texts []string
	if p := c.Form.Get("Policy"); p != "" {
		if len(p) > 2048 {
			return api.Invalid("...", "policy", "Member must have length less than or equal to 2048")
		}
		texts = append(texts, p)
	}
	for _, arn := range c.List("PolicyArns.member.%d.arn") {
		m := managedByARN(c, arn)
		if m == nil {
			return api.Refuse("PackedPolicyTooLarge", "Policy %s does not exist or is not attachable.", arn)
		}
		texts = append(texts, m.Document)
	}
	for i, text := range texts {
		src := api.Source{Key: fmt.Sprintf("session %s %d", who.SessionID, i), Layer: api.LayerSession, Text: text}
		if err := c.Parse(&src); err != nil {
			return api.Refuse("MalformedPolicyDocument", "%v", err)
		}
		who.Session = append(who.Session, src)
	}
	who.Bounded = who.Bounded || len(texts) > 0
	return nil
}

func duration(c *api.Request, standard, longest time.Duration) (time.Duration, error) {
	text := c.Form.Get("DurationSeconds")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	life := time.Duration(n) * time.Second
	if err != nil || life < 15*time.Minute || life > longest {
		return 0, api.Refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return life, nil
}

// assumeRoleWithWebIdentity takes tokens that this account issued, in the place of the
// identity providers whose keys AWS would ask for.
func assumeRoleWithWebIdentity(c *api.Request) (any, error) {
	t, err := c.ReadWebToken(c.Form.Get("WebIdentityToken"))
	switch {
	case errors.Is(err, api.ErrNoWebToken):
		return nil, api.Refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	case err != nil:
		return nil, api.Refuse("InvalidIdentityToken", "The web identity token that was passed could not be validated by AWS")
	case t.Expires != 0 && c.Now().Unix() > t.Expires:
		return nil, api.Refuse("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	}
	role, err := roleToAssume(c)
	if err != nil {
		return nil, err
	}
	provider := strings.TrimPrefix(t.Issuer, "https://")
	if slices.Contains(role.WebIdentities(), provider) {
		return assume(c, world.Login{Principal: "role/" + role.Name, Provider: provider})
	}
	return nil, &api.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
}

type sessionToken struct {
	Credentials stsCredentials
}

func getSessionToken(c *api.Request) (any, error) {
	if c.Who.Temporary {
		return nil, &api.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Cannot call GetSessionToken with session credentials"}
	}
	mfa, err := mfaGiven(c)
	if err != nil {
		return nil, err
	}
	life, err := duration(c, 12*time.Hour, 36*time.Hour)
	if err != nil {
		return nil, err
	}
	l := world.Login{Principal: "root", Temporary: true, MFA: mfa}
	if c.Who.Kind == api.TypeUser {
		l.Principal = "user/" + c.Who.Name
	}
	who, err := issueSession(c, l, life)
	if err != nil {
		return nil, err
	}
	return sessionToken{sts(who)}, nil
}

type federationToken struct {
	Credentials     stsCredentials
	FederatedUserID string `xml:"FederatedUser>FederatedUserId"`
	Arn             string `xml:"FederatedUser>Arn"`
}

func getFederationToken(c *api.Request) (any, error) {
	if c.Who.Kind != api.TypeUser || c.Who.Temporary {
		return nil, &api.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Cannot call GetFederationToken with session credentials"}
	}
	name := c.Form.Get("Name")
	if err := c.Authorize("sts:GetFederationToken", api.Object{ARN: c.ARN("sts", "", api.FederatedPath+name)}); err != nil {
		return nil, err
	}
	life, err := duration(c, 12*time.Hour, 36*time.Hour)
	if err != nil {
		return nil, err
	}
	who, err := issueSession(c, world.Login{Principal: "federated/" + c.Who.Name + "/" + name, Tags: c.Members("Tags.member.%d.Key", "Tags.member.%d.Value")}, life)
	if err != nil {
		return nil, err
	}
	return federationToken{sts(who), who.UserID, who.ARN}, nil
}

type decodedMessage struct{ DecodedMessage string }

func decodeAuthorizationMessage(c *api.Request) (any, error) {
	if err := c.Authorize("sts:DecodeAuthorizationMessage", api.Anything); err != nil {
		return nil, err
	}
	text, ok := c.Unseal(c.Form.Get("EncodedMessage"))
	if !ok {
		return nil, api.Refuse("InvalidAuthorizationMessageException", "Error: Invalid encoded authorization message")
	}
	return decodedMessage{text}, nil
}
