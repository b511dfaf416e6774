package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ssmguard/internal/sandbox/world"
)

// Channels carries the sessions the account opens: it stands for the message
// gateway and the agent. Ids come from the account; URL and token from Channels.
type Channels interface {
	// Start prepares a session and says where its stream is and with which token it is opened.
	Start(ctx context.Context, s SessionStart) (streamURL, token string, err error)
	// Resume gives a living session a new token.
	Resume(ctx context.Context, id string) (streamURL, token string, err error)
	// Terminate ends a session; one that has ended is no error.
	Terminate(ctx context.Context, id string) error
}

// SessionStart is a session as the agent is told of it.
type SessionStart struct {
	SessionID, Target, Document string
	SessionType                 string          // Standard_Stream, Port, InteractiveCommands, NonInteractiveCommands
	Properties                  json.RawMessage // of the document, parameters filled in
	Parameters                  map[string]string
	Reason                      string
	KMSKeyID                    string // ARN; "" for a session that is not encrypted
	AgentVersion                string
	Platform                    string
}

// session is one entry of the session history.
type session struct {
	id, target, document, reason string
	owner, ownerID               string // ARN and aws:userid
	region                       string
	started, ended               time.Time
}

// ssmSessionARN is the resource of ResumeSession and TerminateSession.
func (c *call) ssmSessionARN(id string) string { return c.arn("ssm", c.region, "session/"+id) }

type startSessionInput struct {
	Target, DocumentName, Reason string
	Parameters                   map[string][]string
}

type sessionAnswer struct {
	SessionID  string `json:"SessionId"`
	TokenValue string
	StreamURL  string `json:"StreamUrl"`
}

// validation is the error of a JSON service for input outside its constraints.
func validation(value, member, constraint string) *fault {
	f := invalid(value, member, constraint)
	f.Code = "ValidationException"
	return f
}

func (in *startSessionInput) check() error {
	switch {
	case in.Target == "" || len(in.Target) > 400:
		return validation(in.Target, "target", "Member must have length between 1 and 400")
	case in.DocumentName != "" && !validDocumentName(in.DocumentName):
		return validation(in.DocumentName, "documentName", `Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\-.:/]{3,128}$`)
	case len(in.Reason) > 256:
		return validation(in.Reason, "reason", "Member must have length less than or equal to 256")
	}
	return nil
}

func startSession(c *call) (any, error) {
	var in startSessionInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	name := orElse(in.DocumentName, defaultDocument)
	if err := c.authorizeSession(in.Target, name); err != nil {
		return nil, err
	}
	content, err := c.sessionDocument(name)
	if err != nil {
		return nil, err
	}
	bound, err := content.bind(in.Parameters)
	if err != nil {
		return nil, err
	}
	node, ok := c.reachable(in.Target)
	if !ok {
		return nil, refuse("TargetNotConnected", "%s is not connected.", in.Target)
	}
	start, err := c.describeStart(in, name, content, bound, node)
	if err != nil {
		return nil, err
	}
	return c.open(start, c.who.sessionID), nil
}

// authorizeSession asks for both grants of a session, each on its own resource.
// When both are missing AWS names one of them, unpredictably; the world's seed decides.
func (c *call) authorizeSession(target, document string) error {
	arn, kind := c.targetARN(c.region, target)
	if kind == "" {
		return refuse("TargetNotConnected", "%s is not connected.", target)
	}
	onTarget := c.judge("ssm:StartSession", tagged(arn, c.targetTags(target), ssmTags))
	onDocument := c.judge("ssm:StartSession", c.documentObject(document))
	switch {
	case onTarget != nil && onDocument != nil:
		return []*fault{onTarget, onDocument}[c.random.IntN(2)]
	case onTarget != nil:
		return onTarget
	case onDocument != nil:
		return onDocument
	}
	return nil
}

// documentObject is a document as the object of an action.
func (c *call) documentObject(name string) object {
	arn, tags, kind := c.documentARN(c.region, name), map[string]string(nil), "Session"
	if d := c.document(name); d != nil {
		arn, tags, kind = c.arnOf(d), d.Tags, documentType(d)
	}
	o := tagged(arn, tags, ssmTags)
	o.keys["ssm:DocumentType"] = kind
	return o
}

func (c *call) targetTags(target string) map[string]string {
	if n := c.node(target); n != nil {
		return n.Tags
	}
	if t, _ := c.task(target); t != nil {
		return t.Tags
	}
	return nil
}

func (c *call) node(id string) *world.Node {
	i := slices.IndexFunc(c.world.Nodes, func(n world.Node) bool { return n.ID == id && c.holds(n) })
	if i < 0 {
		return nil
	}
	return &c.world.Nodes[i]
}

// reachable says whether an agent answers for the target here and now.
func (c *call) reachable(target string) (world.Node, bool) {
	if n := c.node(target); n != nil {
		up := n.Ping == pingOnline && !n.Unreachable && orElse(n.State, "running") == "running"
		return *n, up
	}
	if t, _ := c.task(target); t != nil {
		return world.Node{ID: target, Agent: taskAgent}, !t.Stopped && !t.ExecDisable
	}
	return world.Node{}, false
}

const (
	pingOnline = "Online"
	taskAgent  = "3.3.987.0" // version of the agent ECS puts into a container
)

// sessionDocument reads a Session document. The default one may never have been made.
func (c *call) sessionDocument(name string) (sessionContent, error) {
	d := c.document(name)
	switch {
	case d == nil && name == defaultDocument:
		return parseContent(builtinContent)
	case d == nil:
		return sessionContent{}, refuse("InvalidDocument", "Document with name %s does not exist.", name)
	case documentType(d) != "Session":
		return sessionContent{}, refuse("InvalidDocument", "Document type: '%s' is not supported. Only type: 'Session' is supported for Session Manager.", documentType(d))
	}
	content, err := parseContent(d.Content)
	if err != nil {
		return content, refuse("InvalidDocument", "Document %s: %v", name, err)
	}
	return content, nil
}

func (c *call) describeStart(in startSessionInput, name string, content sessionContent, bound map[string]string, n world.Node) (SessionStart, error) {
	properties := content.Properties
	if properties == nil {
		properties = content.Inputs
	}
	raw, err := json.Marshal(expand(properties, bound))
	if err != nil {
		return SessionStart{}, fmt.Errorf("properties of %s: %w", name, err)
	}
	return SessionStart{
		Target: in.Target, Document: name, SessionType: content.SessionType, Properties: raw, Parameters: bound,
		Reason: in.Reason, KMSKeyID: c.sessionKey(content), AgentVersion: n.Agent, Platform: orElse(n.Platform, "Linux"),
	}, nil
}

// sessionKey is the ARN of the key that encrypts a session: the document's own
// or the one of the preferences. Port sessions are never encrypted.
func (c *call) sessionKey(content sessionContent) string {
	if content.SessionType == "Port" {
		return ""
	}
	id, _ := content.Inputs["kmsKeyId"].(string)
	if id == "" {
		if preferences, err := c.sessionDocument(defaultDocument); err == nil {
			id, _ = preferences.Inputs["kmsKeyId"].(string)
		}
	}
	if k := c.key(id); k != nil {
		return c.keyARN(k)
	}
	return id
}

// open enters a session and starts it when the account's lock is free again.
func (c *call) open(start SessionStart, prefix string) deferred {
	if prefix = prefixForm().ReplaceAllString(prefix, "_"); len(prefix) > 69 {
		prefix = prefix[:69] // ids have at most 96 characters
	}
	start.SessionID = prefix + "-" + strings.ToLower(rand.Text())
	c.sessions = append(c.sessions, &session{
		id: start.SessionID, target: start.Target, document: start.Document, reason: start.Reason,
		owner: c.who.ARN, ownerID: c.who.userID, region: c.region, started: c.now(),
	})
	return func() (any, error) {
		if c.channels == nil {
			return nil, &fault{Code: "InternalServerError", Message: "An error occurred on the server side.", Status: http.StatusInternalServerError}
		}
		url, token, err := c.channels.Start(context.WithoutCancel(c.ctx), start)
		if err != nil {
			return nil, fmt.Errorf("start of session %s: %w", start.SessionID, err)
		}
		return sessionAnswer{start.SessionID, token, url}, nil
	}
}

type sessionInput struct {
	SessionID string `json:"SessionId"`
}

// ownSession authorizes an action on a session, which carries the system tags of
// its owner and its target.
func (c *call) ownSession(action string) (*session, error) {
	var in sessionInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.SessionID == "" || len(in.SessionID) > 96 {
		return nil, validation(in.SessionID, "sessionId", "Member must have length between 1 and 96")
	}
	i := slices.IndexFunc(c.sessions, func(s *session) bool { return s.id == in.SessionID && s.region == c.region })
	on := object{arn: c.ssmSessionARN(in.SessionID)}
	if i >= 0 {
		on.keys = map[string]string{
			ssmTags + "aws:ssmmessages:session-id": c.sessions[i].ownerID,
			ssmTags + "aws:ssmmessages:target-id":  c.sessions[i].target,
		}
	}
	if err := c.authorize(action, on); err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, refuse("DoesNotExistException", "Session %s does not exist", in.SessionID)
	}
	return c.sessions[i], nil
}

func resumeSession(c *call) (any, error) {
	s, err := c.ownSession("ssm:ResumeSession")
	if err != nil {
		return nil, err
	}
	if !s.ended.IsZero() || c.channels == nil {
		return nil, refuse("DoesNotExistException", "Session %s does not exist", s.id)
	}
	return deferred(func() (any, error) {
		url, token, err := c.channels.Resume(context.WithoutCancel(c.ctx), s.id)
		if err != nil {
			return nil, refuse("DoesNotExistException", "Session %s does not exist", s.id)
		}
		return sessionAnswer{s.id, token, url}, nil
	}), nil
}

func terminateSession(c *call) (any, error) {
	s, err := c.ownSession("ssm:TerminateSession")
	if err != nil {
		return nil, err
	}
	if s.ended.IsZero() {
		s.ended = c.now()
	}
	return deferred(func() (any, error) {
		if c.channels != nil {
			if err := c.channels.Terminate(context.WithoutCancel(c.ctx), s.id); err != nil {
				return nil, fmt.Errorf("end of session %s: %w", s.id, err)
			}
		}
		return sessionInput{s.id}, nil
	}), nil
}

// EndSession tells the account that a session has ended by itself.
func (s *Server) EndSession(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.id == id && x.ended.IsZero() {
			x.ended = s.now()
		}
	}
}
