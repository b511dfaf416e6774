package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// OwnedByAWS reports whether a document name is one of AWS's: accounts cannot
// make documents whose names begin so.
func OwnedByAWS(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"aws-", "amazon", "awsec2-", "awsconfigremediation-", "awssupport-"}, func(p string) bool { return strings.HasPrefix(lower, p) })
}

// DataKey is a key the account has generated and will decrypt.
type DataKey struct {
	Plain   []byte
	Context map[string]string
}

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

// SessionStart is what the agent gets to know of a session.
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

// Session is one entry of the session history.
type Session struct {
	ID, Target, Document, Reason string
	Owner, OwnerID               string // ARN and aws:userid
	Region                       string
	Started, Ended               time.Time
}

// AccessRequest is a request for just-in-time access to a node.
type AccessRequest struct{ ID, Target, Region string }
