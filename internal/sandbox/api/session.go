package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// OwnedByAWS reports whether a document's name has a prefix that only AWS can use.
func OwnedByAWS(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"aws-", "amazon", "awsec2-", "awsconfigremediation-", "awssupport-"}, func(p string) bool { return strings.HasPrefix(lower, p) })
}

// DataKey is a generated key, kept for Decrypt.
type DataKey struct {
	Plain   []byte
	Context map[string]string
}

// Channels carries the account's sessions, in the place of the message gateway and the
// agent. The account makes ids, Channels makes URL and token.
type Channels interface {
	// Start prepares a session and returns the URL of its stream and the token that opens
	// it.
	Start(ctx context.Context, s SessionStart) (streamURL, token string, err error)
	// Resume returns a new token for a session that has not ended.
	Resume(ctx context.Context, id string) (streamURL, token string, err error)
	// Terminate ends a session; a session that has ended is not an error.
	Terminate(ctx context.Context, id string) error
}

// SessionStart is a session's description for the agent.
type SessionStart struct {
	SessionID, Target, Document string
	SessionType                 string          // Standard_Stream, Port, InteractiveCommands, NonInteractiveCommands
	Properties                  json.RawMessage // of the document, parameters filled in
	Parameters                  map[string]string
	Reason                      string
	KMSKeyID                    string // ARN; "" for a session that is not encrypted
	AgentVersion                string
	Unpaced                     bool // the agent keeps no pace
	Platform                    string
}

// Session is one entry of the session history.
type Session struct {
	ID, Target, Document, Reason string
	Owner, OwnerID               string // ARN and aws:userid
	Region                       string
	Started, Ended               time.Time
}

// AccessRequest is a request for just-in-time access to a node.
type AccessRequest struct{ ID, Target, Region string }
