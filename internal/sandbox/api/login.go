package api

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
	ARN             string // their principal, as in GetCallerIdentity
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
	TypeRoot      = "Account"
	TypeUser      = "User"
	TypeRole      = "AssumedRole"
	typeFederated = "FederatedUser"
)

// Caller is the principal of a set of credentials. The policies of a user or role are
// read when a call is authorized, so that a change takes effect at once; session
// policies are fixed when the credentials are issued.
type Caller struct {
	Credentials
	Kind      string // aws:PrincipalType
	Name      string // of the user or role whose policies apply; "" for root
	Principal string // aws:PrincipalArn
	UserID    string // aws:userid
	SessionID string // prefix of session ids
	Temporary bool
	MFA       bool
	Provider  string
	Session   []Source // session policies
	Bounded   bool     // session policies apply, even if there are none
	tags      map[string]string
	issued    time.Time
}

// Username is aws:username, which only IAM users have.
func (c *Caller) Username() string {
	if c.Kind == TypeUser {
		return c.Name
	}
	return ""
}

const defaultLife = time.Hour

// Issue returns new credentials for a login, which need not be one of the world's.
func (s *Server) Issue(l world.Login) (Credentials, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.issue(l)
}

// Logins returns the credentials of the world's logins, in the world's order.
func (s *Server) Logins() []Credentials {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return slices.Clone(s.logins)
}

// Expire ends the life of all temporary credentials now.
func (s *Server) Expire() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for _, c := range s.Callers {
		if c.Temporary {
			c.Expires = s.Now().Add(-time.Second)
		}
	}
}

func (s *Server) issue(l world.Login) (Credentials, error) {
	c, err := s.CallerOf(l)
	if err != nil {
		return Credentials{}, err
	}
	for i, text := range l.Policies {
		src := Source{Key: fmt.Sprintf("session %s %d", l.Name, i), Layer: LayerSession, Text: text}
		if err := s.Parse(&src); err != nil {
			return Credentials{}, fmt.Errorf("login %s: session policy %d: %w", l.Name, i+1, err)
		}
		c.Session = append(c.Session, src)
	}
	c.Bounded = c.Bounded || len(l.Policies) > 0
	c.Login, c.ARN = l.Name, c.PrincipalARN(s.World)
	life := defaultLife
	if l.Expired {
		life = -time.Minute
	}
	s.Sign(c, l, life)
	return c.Credentials, nil
}

// Sign gives a caller its keys and adds it to the account's callers.
func (s *Server) Sign(c *Caller, l world.Login, life time.Duration) {
	prefix := "AKIA"
	c.issued = s.Now()
	if c.Temporary {
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
	s.Callers[c.AccessKeyID] = c
}

// CallerOf returns the caller of a login, without keys.
func (s *Server) CallerOf(l world.Login) (*Caller, error) {
	kind, name, _ := strings.Cut(l.Principal, "/")
	c := &Caller{Name: name, MFA: l.MFA, Temporary: l.Temporary, Provider: l.Provider, tags: maps.Clone(l.Tags)}
	switch kind {
	case "root":
		c.Kind, c.UserID, c.SessionID = TypeRoot, s.World.Account, s.World.Account
		c.Principal = s.IAMARN("root")
	case "user":
		u := s.User(name)
		if u == nil {
			return nil, fmt.Errorf("login %s: no user %q", l.Name, name)
		}
		c.Kind, c.UserID, c.SessionID = TypeUser, u.ID, u.Name
		c.Principal, c.tags = s.UserARN(u), maps.Clone(u.Tags)
	case "role":
		r := s.Role(name)
		if r == nil {
			return nil, fmt.Errorf("login %s: no role %q", l.Name, name)
		}
		c.Kind, c.Temporary = TypeRole, true
		c.SessionID = OrElse(l.Session, l.Name)
		c.UserID, c.Principal = r.ID+":"+c.SessionID, s.RoleARN(r)
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

// federated returns a caller of GetFederationToken; name is USER/NAME, the user who
// called it and the name in the call.
func (s *Server) federated(l world.Login, name string) (*Caller, error) {
	userName, session, ok := strings.Cut(name, "/")
	u := s.User(userName)
	if !ok || u == nil {
		return nil, fmt.Errorf("login %s: federated principals are written federated/USER/NAME, with a user of the account", l.Name)
	}
	return &Caller{
		Kind: typeFederated, Name: u.Name, Temporary: true, Bounded: true, tags: maps.Clone(l.Tags),
		UserID: s.World.Account + ":" + session, SessionID: session,
		Principal: s.ARN("sts", "", FederatedPath+session),
	}, nil
}

// FederatedPath begins the resource in a federated user's ARN.
const FederatedPath = "federated-user/"

// PrincipalARN is the caller's ARN as STS shows it: without the path of a role.
func (c *Caller) PrincipalARN(w world.World) string {
	if c.Kind != TypeRole {
		return c.Principal
	}
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", w.Partition, w.Account, c.Name, c.SessionID)
}

// MadeUpID returns an id as IAM gives them, the same for the same name.
func MadeUpID(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// OrElse returns s, or other if s is empty.
func OrElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
