package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/sdkutil"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session"
	_ "github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/shellsession" // registers itself
	"github.com/twinj/uuid"

	"ssmguard/internal/awsapi"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// Name is the plugin's name: a program called by it is to run Main.
const Name = "session-manager-plugin"

// responsePrefix begins the names of variables that hold a StartSession response.
const responsePrefix = "AWS_SSM_START_SESSION_RESPONSE"

// unknownDocument stands for the document of callers that do not pass their request on.
const unknownDocument = "?"

// Named reports whether a program called by argv0 is to be the plugin.
func Named(argv0 string) bool {
	return strings.TrimSuffix(filepath.Base(argv0), ".exe") == Name
}

// Main is a whole program: the official session-manager-plugin, for the AWS CLI
// as well as for Runner. It takes the program's argument list, owns the standard
// streams and the environment, may end the process itself, and returns the exit
// status. Called by Runner the status is true; called by others it is the
// plugin's own, 0 for every end, except where the plugin would hang for ever and the
// response is in a variable: callers print the arguments of a plugin that fails.
func Main(args []string) int {
	if len(args) == 2 && args[1] == "--version" {
		safetext.Fprintf(os.Stdout, "%s\n", NearestRelease) // the source's own number is none of a release
		return 0
	}
	if !startsSession(args) {
		session.ValidateInputAndStartSession(args, os.Stdout)
		return 0
	}
	uuid.SwitchFormat(uuid.CleanHyphen)
	c := newChild()
	s, err := c.parse(args)
	if err != nil {
		safetext.Fprintf(os.Stdout, "Cannot perform start session: %s\n", err.Error()) // in the official plugin's words
		return c.status(1, err.Error())
	}
	c.session = s
	c.watch()
	return c.execute()
}

// child is the one session of an embedded plugin process.
type child struct {
	events     *reporter    // nil: no parent of ours
	life       *os.File     // ends when the parent does; nil: no parent of ours
	answers    chan answer  // the parent's, one for each event that asks for credentials
	removeTemp func()       // removes the directory of the socket, if it is ours
	asking     sync.Mutex   // held from a request to its answer
	profile    string       // of the arguments
	inline     bool         // the response, with its token, is in the arguments
	unsigned   bool         // the user wants no signature on the websocket's requests
	spec       proxy.Spec   // the request, as far as it decides over the local end, and its endpoint
	instead    string       // path of the unix socket to listen on in place of a port; "": none
	disown     func()       // takes the parent's credentials back
	kind       atomic.Value // string: the session's type as the agent calls it; empty without handshake
	session    *session.Session
	plugin     session.ISessionPlugin
	output     chan struct{}  // gets a token whenever the far side has said something
	answered   atomic.Bool    // the far side has said something
	signals    chan os.Signal // the session's own, on their way to the far end
	terminal   func()         // puts the terminal back as it was
	log        log.T
	clock      *awsapi.Clock // by which requests are signed
	fault      error         // the last failure to connect
	ending     atomic.Int32  // the exit status of a signal or of abandon, which the end of the session it causes must not hide
}

// newChild takes its parent's variables out of the environment.
func newChild() *child {
	const room = 16 // for keys that are pressed while the connection is lost
	c := &child{terminal: saveTerminal(os.Stdin, os.Stdout), answers: make(chan answer, 1), output: make(chan struct{}, 1),
		signals: make(chan os.Signal, room), clock: new(awsapi.Clock)}
	c.events, c.life = openPipes(take(pipesVariable))
	if kind := take(sessionTypeVariable); c.events != nil {
		c.spec.SessionType = kind
	}
	if socket := take(socketVariable); c.events != nil {
		c.instead = socket
	}
	c.disown = c.keepOwn()
	ignoreUnused(c.events != nil)
	c.log = &readinessLog{T: log.Logger(false, Name), child: c}
	return c
}

// take returns a variable and removes it.
func take(name string) string {
	v := os.Getenv(name)
	os.Unsetenv(name)
	return v
}

// parse reads the arguments.
func (c *child) parse(args []string) (*session.Session, error) {
	call, err := ReadCall(args)
	if err != nil {
		return nil, err
	}
	kind, s := c.spec.SessionType, call.Session
	c.spec, c.inline, c.profile = s.Spec, call.Inline, s.Spec.Profile
	c.spec.SessionType = kind
	c.unsigned = os.Getenv(skipVariable) == "true"
	sdkutil.SetRegionAndProfile(s.Spec.Region, c.profile)
	return &session.Session{
		SessionId: s.ID, StreamUrl: s.StreamURL.Reveal(), TokenValue: s.Token.Reveal(),
		Region: s.Spec.Region, TargetId: s.Spec.Target, ClientId: uuid.NewV4().String(),
		IsAwsCliUpgradeNeeded: len(args) == session.LegacyArgumentLength,
	}, nil
}

// status returns the exit status for an end that is none of the plugin's own
// choosing, and tells the parent why.
func (c *child) status(code int, reason string) int {
	if c.events == nil {
		return 0
	}
	c.events.report(event{Reason: reason})
	return code
}

// fail ends the process where the official plugin would hang without a word.
func (c *child) fail(reason string) {
	if c.events == nil {
		safetext.Fprintf(os.Stderr, "ssmguard: %s\n", reason)
	}
	c.events.report(event{Reason: reason})
	c.leave(1)
}

// leave ends the process with the terminal and the temporary directory as they were.
func (c *child) leave(code int) {
	if signalled := c.ending.Load(); signalled != 0 {
		code = int(signalled)
	}
	if c.inline {
		code = 0 // a caller such as the AWS CLI prints the arguments of a plugin that fails
	}
	c.terminal()
	restoreConsole()
	resetAccepted()
	if c.session != nil {
		os.Remove(muxSocket(c.session.SessionId))
	}
	if c.removeTemp != nil {
		c.removeTemp()
	}
	os.Exit(code)
}
