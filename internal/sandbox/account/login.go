package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"ssmguard/internal/sandbox/world"
)

// Credentials are the keys of one login. Printing or logging them shows the key
// id alone.
type Credentials struct {
	Login           string // the login's name, "" for credentials issued by STS
	ARN             string // who they are, as GetCallerIdentity says
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string    // "" for long-term keys
	Expires         time.Time // zero for long-term keys
}

// String returns the access key id alone.
func (c Credentials) String() string { return c.AccessKeyID }

// GoString returns the access key id alone.
func (c Credentials) GoString() string { return c.AccessKeyID }

// LogValue returns the access key id alone.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.AccessKeyID) }

// The values of aws:PrincipalType.
const (
	typeRoot      = "Account"
	typeUser      = "User"
	typeRole      = "AssumedRole"
	typeFederated = "FederatedUser"
)

// caller is whom a set of credentials stands for. The policies of a user or role
// are looked up when a call is authorized, so that a change acts at once;
// session policies are fixed when the credentials are issued.
type caller struct {
	Credentials
	kind      string // aws:PrincipalType
	name      string // of the user or role whose policies apply; "" for root
	principal string // aws:PrincipalArn
	userID    string // aws:userid
	sessionID string // prefix of session ids
	temporary bool
	mfa       bool
	provider  string
	session   []source // session policies
	bounded   bool     // session policies apply, even if there are none
	tags      map[string]string
	issued    time.Time
}

// username is aws:username, which only IAM users have.
func (c *caller) username() string {
	if c.kind == typeUser {
		return c.name
	}
	return ""
}

const defaultLife = time.Hour

// Issue hands out credentials for a login that need not be one of the world's.
func (s *Server) Issue(l world.Login) (Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue(l)
}

// Logins returns the credentials of the world's logins, in the world's order.
func (s *Server) Logins() []Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

// Expire lets the temporary credentials that were issued run out now.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.callers {
		if c.temporary {
			c.Expires = s.now().Add(-time.Second)
		}
	}
}

func (s *Server) issue(l world.Login) (Credentials, error) {
	c, err := s.callerOf(l)
	if err != nil {
		return Credentials{}, err
	}
	for i, text := range l.Policies {
		src := source{key: fmt.Sprintf("session %s %d", l.Name, i), layer: layerSession, text: text}
		if err := s.parse(&src); err != nil {
			return Credentials{}, fmt.Errorf("login %s: session policy %d: %w", l.Name, i+1, err)
		}
		c.session = append(c.session, src)
	}
	c.bounded = c.bounded || len(l.Policies) > 0
	c.Login, c.ARN = l.Name, c.arn(s.world)
	life := defaultLife
	if l.Expired {
		life = -time.Minute
	}
	s.sign(c, l, life)
	return c.Credentials, nil
}

// sign gives a caller its keys and enters it among those the account knows.
func (s *Server) sign(c *caller, l world.Login, life time.Duration) {
	prefix := "AKIA"
	c.issued = s.now()
	if c.temporary {
		prefix = "ASIA"
		c.Expires = c.issued.Add(life)
		c.SessionToken = "FwoGZXIvYXdzE" + rand.Text() + rand.Text() + rand.Text()
	}
	c.AccessKeyID, c.SecretAccessKey = l.AccessKeyID, l.SecretAccessKey
	if c.AccessKeyID == "" {
		c.AccessKeyID = prefix + rand.Text()[:16]
	}
	if c.SecretAccessKey == "" {
		c.SecretAccessKey = (rand.Text() + rand.Text())[:40]
	}
	s.callers[c.AccessKeyID] = c
}

// callerOf says who a login is, without keys yet.
func (s *Server) callerOf(l world.Login) (*caller, error) {
	kind, name, _ := strings.Cut(l.Principal, "/")
	c := &caller{name: name, mfa: l.MFA, temporary: l.Temporary, provider: l.Provider, tags: maps.Clone(l.Tags)}
	switch kind {
	case "root":
		c.kind, c.userID, c.sessionID = typeRoot, s.world.Account, s.world.Account
		c.principal = s.iamARN("root")
	case "user":
		u := s.user(name)
		if u == nil {
			return nil, fmt.Errorf("login %s: no user %q", l.Name, name)
		}
		c.kind, c.userID, c.sessionID = typeUser, u.ID, u.Name
		c.principal, c.tags = s.userARN(u), maps.Clone(u.Tags)
	case "role":
		r := s.role(name)
		if r == nil {
			return nil, fmt.Errorf("login %s: no role %q", l.Name, name)
		}
		c.kind, c.temporary = typeRole, true
		c.sessionID = orElse(l.Session, l.Name)
		c.userID, c.principal = r.ID+":"+c.sessionID, s.roleARN(r)
		c.tags = maps.Clone(r.Tags)
	case "federated":
		return s.federated(l, name)
	default:
		return nil, fmt.Errorf("login %s: principal %q is none of user/NAME, role/NAME, federated/NAME, root", l.Name, l.Principal)
	}
	if len(l.Tags) > 0 && c.tags == nil {
		c.tags = make(map[string]string)
	}
	maps.Copy(c.tags, l.Tags)
	return c, nil
}

// federated is a caller from GetFederationToken; the name is USER/NAME, the user
// who asked for the token and the name he gave it.
func (s *Server) federated(l world.Login, name string) (*caller, error) {
	userName, session, ok := strings.Cut(name, "/")
	u := s.user(userName)
	if !ok || u == nil {
		return nil, fmt.Errorf("login %s: federated principals are written federated/USER/NAME, with a user of the account", l.Name)
	}
	return &caller{
		kind: typeFederated, name: u.Name, temporary: true, bounded: true, tags: maps.Clone(l.Tags),
		userID: s.world.Account + ":" + session, sessionID: session,
		principal: s.arn("sts", "", federatedPath+session),
	}, nil
}

const federatedPath = "federated-user/"

// arn is the caller's ARN as STS shows it: without the path of a role.
func (c *caller) arn(w world.World) string {
	if c.kind != typeRole {
		return c.principal
	}
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", w.Partition, w.Account, c.name, c.sessionID)
}

// madeUpID returns an id as IAM gives them, the same for the same name.
func madeUpID(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
