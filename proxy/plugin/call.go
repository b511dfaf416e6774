package plugin

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session"

	"ssmguard/proxy"
)

// Call is how the AWS CLI and other programs call a session-manager-plugin.
type Call struct {
	// Session is the session that was started. Of its Spec, Reason, SessionType and Request
	// are not known; without a request in the arguments Target is not known either.
	Session *proxy.Session
	// Inline means that the arguments hold the response, with its token: callers print the
	// arguments of a plugin that fails.
	Inline bool
}

// operation is the index of the argument that says what a plugin is to do.
const operation = 3

// CalledByOthers reports whether the arguments of a session-manager-plugin are those of a
// session that another program than Runner hands over.
func CalledByOthers(args []string) bool {
	return startsSession(args) && os.Getenv(pipesVariable) == ""
}

func startsSession(args []string) bool {
	return len(args) > operation && args[operation] == session.StartSessionOperation
}

// ReadCall reads the arguments of a session-manager-plugin: response, region, operation, profile,
// request, endpoint. Old callers give the first three only, which rules encryption
// out. A response in a variable is taken out of the environment. Errors are to be told
// as "Cannot perform start session".
func ReadCall(args []string) (*Call, error) {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	text := arg(1)
	inline := !strings.HasPrefix(text, responsePrefix)
	if !inline {
		text = take(text)
	}
	var response struct{ SessionID, TokenValue, StreamURL string }
	if err := json.Unmarshal([]byte(text), &response); err != nil {
		return nil, plainJSONError(err)
	}
	for name, value := range map[string]string{"SessionId": response.SessionID, "TokenValue": response.TokenValue, "StreamUrl": response.StreamURL} {
		if value == "" {
			return nil, errors.New("the StartSession response has no " + name)
		}
	}
	var request struct {
		Target, DocumentName string
		Parameters           map[string][]string
	}
	if json.Unmarshal([]byte(arg(5)), &request) != nil || request.Target == "" {
		request.DocumentName = unknownDocument // without it only encryption fails
	}
	return &Call{Inline: inline, Session: &proxy.Session{
		ID: response.SessionID, StreamURL: proxy.NewSecret(response.StreamURL), Token: proxy.NewSecret(response.TokenValue),
		Spec: proxy.Spec{
			Target: request.Target, Document: request.DocumentName, Parameters: request.Parameters,
			Region: arg(2), Profile: arg(4), Endpoint: arg(6),
		},
	}}, nil
}

// plainJSONError keeps the text that was parsed, a token perhaps, out of the message.
func plainJSONError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return err
	}
	return errors.New("the StartSession response is not what it should be")
}
