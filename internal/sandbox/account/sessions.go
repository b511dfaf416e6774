package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// ssmSessionARN is the resource of ResumeSession and TerminateSession.
func ssmSessionARN(c *api.Request, id string) string { return c.ARN("ssm", c.Region, "session/"+id) }

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
func validation(value, member, constraint string) *api.Refusal {
	f := api.Invalid(value, member, constraint)
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

func startSession(c *api.Request) (any, error) {
	var in startSessionInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	name := api.OrElse(in.DocumentName, defaultDocument)
	if err := authorizeSession(c, in.Target, name); err != nil {
		return nil, err
	}
	content, err := sessionDocument(c, name)
	if err != nil {
		return nil, err
	}
	bound, err := content.bind(in.Parameters)
	if err != nil {
		return nil, err
	}
	node, ok := reachable(c, in.Target)
	if !ok {
		return nil, api.Refuse("TargetNotConnected", "%s is not connected.", in.Target)
	}
	start, err := describeStart(c, in, name, content, bound, node)
	if err != nil {
		return nil, err
	}
	return startOn(c, start, c.Who.SessionID), nil
}

// authorizeSession asks for both grants of a session, each on its own resource.
// When both are missing AWS names one of them, unpredictably; the world's seed decides.
func authorizeSession(c *api.Request, target, document string) error {
	arn, kind := c.TargetARN(c.Region, target)
	if kind == "" {
		return api.Refuse("TargetNotConnected", "%s is not connected.", target)
	}
	node, with := api.Tagged(arn, targetTags(c, target), api.SSMTags), documentObject(c, document)
	if ofAccessToken(c.Who.ARN) {
		node.Keys["ssm:AccessRequestId"], with.Keys["ssm:AccessRequestId"] = c.Who.SessionID, c.Who.SessionID
	}
	onTarget, onDocument := c.Judge("ssm:StartSession", node), c.Judge("ssm:StartSession", with)
	switch {
	case onTarget != nil && onDocument != nil:
		return []*api.Refusal{onTarget, onDocument}[c.Random.IntN(2)]
	case onTarget != nil:
		return onTarget
	case onDocument != nil:
		return onDocument
	}
	return nil
}

// documentObject is a document as the object of an action.
func documentObject(c *api.Request, name string) api.Object {
	arn, tags, kind := c.DocumentARN(c.Region, name), map[string]string(nil), "Session"
	if d := findDocument(c, name); d != nil {
		arn, tags, kind = arnOf(c, d), d.Tags, documentType(d)
	}
	o := api.Tagged(arn, tags, api.SSMTags)
	o.Keys["ssm:DocumentType"] = kind
	return o
}

func targetTags(c *api.Request, target string) map[string]string {
	if n := node(c, target); n != nil {
		return n.Tags
	}
	if t, _ := task(c, target); t != nil {
		return t.Tags
	}
	return nil
}

func node(c *api.Request, id string) *world.Node {
	i := slices.IndexFunc(c.World.Nodes, func(n world.Node) bool { return n.ID == id && holds(c, n) })
	if i < 0 {
		return nil
	}
	return &c.World.Nodes[i]
}

// reachable reports whether the target's agent is connected.
func reachable(c *api.Request, target string) (world.Node, bool) {
	if n := node(c, target); n != nil {
		up := n.Ping == pingOnline && !n.Unreachable && api.OrElse(n.State, "running") == "running"
		return *n, up
	}
	if t, _ := task(c, target); t != nil {
		return world.Node{ID: target, Agent: taskAgent}, !t.Stopped && !t.ExecDisable
	}
	return world.Node{}, false
}

const (
	pingOnline = "Online"
	taskAgent  = "3.3.987.0" // version of the agent ECS puts into a container
)

// sessionDocument reads a Session document. The account may not have the default one.
func sessionDocument(c *api.Request, name string) (sessionContent, error) {
	d := findDocument(c, name)
	switch {
	case d == nil && name == defaultDocument:
		return parseContent(builtinContent)
	case d == nil:
		return sessionContent{}, api.Refuse("InvalidDocument", "Document with name %s does not exist.", name)
	case documentType(d) != "Session":
		return sessionContent{}, api.Refuse("InvalidDocument", "Document type: '%s' is not supported. Only type: 'Session' is supported for Session Manager.", documentType(d))
	}
	content, err := parseContent(d.Content)
	if err != nil {
		return content, api.Refuse("InvalidDocument", "Document %s: %v", name, err)
	}
	return content, nil
}

func describeStart(c *api.Request, in startSessionInput, name string, content sessionContent, bound map[string]string, n world.Node) (api.SessionStart, error) {
	properties := content.Properties
	if properties == nil {
		properties = content.Inputs
	}
	raw, err := json.Marshal(expand(properties, bound))
	if err != nil {
		return api.SessionStart{}, fmt.Errorf("properties of %s: %w", name, err)
	}
	return api.SessionStart{
		Target: in.Target, Document: name, SessionType: content.SessionType, Properties: raw, Parameters: bound,
		Reason: in.Reason, KMSKeyID: sessionKey(c, content), AgentVersion: n.Agent, Unpaced: n.Unpaced, Platform: api.OrElse(n.Platform, "Linux"),
	}, nil
}

// sessionKey is the ARN of the key that encrypts a session: the document's own
// or the one of the preferences. Port sessions are never encrypted.
func sessionKey(c *api.Request, content sessionContent) string {
	if content.SessionType == "Port" {
		return ""
	}
	id, _ := content.Inputs["kmsKeyId"].(string)
	if id == "" {
		if preferences, err := sessionDocument(c, defaultDocument); err == nil {
			id, _ = preferences.Inputs["kmsKeyId"].(string)
		}
	}
	if k := key(c, id); k != nil {
		return arnOfKey(c, k)
	}
	return id
}

// open enters a session and starts it when the account's lock is free again.
func startOn(c *api.Request, start api.SessionStart, prefix string) api.Deferred {
	if prefix = prefixForm().ReplaceAllString(prefix, "_"); len(prefix) > 69 {
		prefix = prefix[:69] // ids have at most 96 characters
	}
	start.SessionID = prefix + "-" + strings.ToLower(rand.Text())
	c.Sessions = append(c.Sessions, &api.Session{
		ID: start.SessionID, Target: start.Target, Document: start.Document, Reason: start.Reason,
		Owner: c.Who.ARN, OwnerID: c.Who.UserID, Region: c.Region, Started: c.Now(),
	})
	return func() (any, error) {
		if c.Channels == nil {
			return nil, &api.Refusal{Code: "InternalServerError", Message: "An error occurred on the server side.", Status: http.StatusInternalServerError}
		}
		url, token, err := c.Channels.Start(context.WithoutCancel(c.Ctx), start)
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
func ownSession(c *api.Request, action string) (*api.Session, error) {
	var in sessionInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.SessionID == "" || len(in.SessionID) > 96 {
		return nil, validation(in.SessionID, "sessionId", "Member must have length between 1 and 96")
	}
	i := slices.IndexFunc(c.Sessions, func(s *api.Session) bool { return s.ID == in.SessionID && s.Region == c.Region })
	on := api.Object{ARN: ssmSessionARN(c, in.SessionID)}
	if i >= 0 {
		on.Keys = map[string]string{
			api.SSMTags + "aws:ssmmessages:session-id": c.Sessions[i].OwnerID,
			api.SSMTags + "aws:ssmmessages:target-id":  c.Sessions[i].Target,
		}
	}
	if err := c.Authorize(action, on); err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, api.Refuse("DoesNotExistException", "Session %s does not exist", in.SessionID)
	}
	return c.Sessions[i], nil
}

func resumeSession(c *api.Request) (any, error) {
	s, err := ownSession(c, "ssm:ResumeSession")
	if err != nil {
		return nil, err
	}
	if !s.Ended.IsZero() || c.Channels == nil {
		return nil, api.Refuse("DoesNotExistException", "Session %s does not exist", s.ID)
	}
	return api.Deferred(func() (any, error) {
		url, token, err := c.Channels.Resume(context.WithoutCancel(c.Ctx), s.ID)
		if err != nil {
			return nil, api.Refuse("DoesNotExistException", "Session %s does not exist", s.ID)
		}
		return sessionAnswer{s.ID, token, url}, nil
	}), nil
}

func terminateSession(c *api.Request) (any, error) {
	s, err := ownSession(c, "ssm:TerminateSession")
	if err != nil {
		return nil, err
	}
	if s.Ended.IsZero() {
		s.Ended = c.Now()
	}
	return api.Deferred(func() (any, error) {
		if c.Channels != nil {
			if err := c.Channels.Terminate(context.WithoutCancel(c.Ctx), s.ID); err != nil {
				return nil, fmt.Errorf("end of session %s: %w", s.ID, err)
			}
		}
		return sessionInput{s.ID}, nil
	}), nil
}

// EndSession records that a session has ended by itself.
func EndSession(s *api.Server, id string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for _, x := range s.Sessions {
		if x.ID == id && x.Ended.IsZero() {
			x.Ended = s.Now()
		}
	}
}
