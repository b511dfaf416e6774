package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/self"
	"ssmguard/proxy"
)

// Credentials are the keys that an embedded plugin is to use.
type Credentials struct {
	AccessKeyID                   string
	SecretAccessKey, SessionToken proxy.Secret
}

// Runner runs a plugin as a child process. Make it with Embedded or External.
// The exported fields are set before Run.
type Runner struct {
	// Terminator ends sessions that are not known to have ended; nil leaves
	// that to the caller.
	Terminator proxy.Terminator
	// Credentials returns the keys for an embedded plugin, whose caller must be the
	// one that was checked; nil, or no keys, lets it find its own. It is called
	// whenever the plugin needs them, for as long as the session lasts; refused is
	// the code by which AWS has refused those returned last, "" if it has not. An
	// external plugin finds its own, as from the AWS CLI, unless Lends is set.
	Credentials func(ctx context.Context, refused string) (Credentials, error)
	// Lends gives Credentials to an external plugin, too, which gets no profile then: its
	// SDK could not find them, since they need an MFA code or a newer SDK.
	Lends bool
	// Calls are the calls that an embedded plugin needs, made with the same credentials;
	// nil lets it make them itself.
	Calls *Calls
	// Connection says how a data channel is connected; nil leaves that to the plugin.
	// Of it an external plugin gets the certificates, where Go's variable for them
	// counts.
	Connection *Connection

	// Begins, unless it is nil, is called before an embedded plugin writes its first line, which
	// waits for it: what stands on the terminal until then can be taken away.
	Begins func()

	path     string
	version  string
	external bool
	socket   string   // see AtSocket; "" for the port that the session's document asks for
	env      []string // nil: our own
}

var _ proxy.Plugin = (*Runner)(nil)

const (
	// signalGrace is how long a child may take to end by a signal that its whole
	// process group got, before it is sent the signal as well; and how much later
	// than the child we may get it.
	signalGrace = 200 * time.Millisecond
	// interruptGrace is how long a child may take to say that it has got an
	// interrupt that we have got.
	interruptGrace = time.Second
	// killGrace is how long it may then take before it is killed.
	killGrace = 5 * time.Second
)

// Embedded returns the plugin inside this very binary, which must call Main when
// it is run as session-manager-plugin. env is the environment, nil for our own.
func Embedded(env []string) (*Runner, error) {
	self, err := self.Path()
	if err != nil {
		return nil, err
	}
	return &Runner{path: self, version: NearestRelease, env: env}, nil
}

// AtSocket returns a runner whose plugin listens on a unix socket where the session asks
// for a local port, so that the directory of the socket decides who can connect. An
// external plugin cannot do that: ok is false.
func (r *Runner) AtSocket(path string) (at *Runner, ok bool) {
	if r.external {
		return r, false
	}
	other := *r
	other.socket = path
	return &other, true
}

// Path returns the file that is run.
func (r *Runner) Path() string { return r.path }

// External reports whether the plugin is a program of others.
func (r *Runner) External() bool { return r.external }

// Version returns the plugin's version, four numbers with dots between them; of an
// embedded plugin it is NearestRelease.
func (r *Runner) Version() string { return r.version }

// Run hands the session over and returns when the plugin has ended: nil if the
// session ended well, *ExitError if it did not, *InterruptedError if a signal
// to this process ended it, the cause of ctx if that did. What is left of the session is terminated and
// the terminal put back in every case; *proxy.LeftRunningError, possibly joined to
// another error, says that this failed. While Run runs, SIGINT, SIGQUIT and
// SIGTSTP are the session's: whoever asked for them by signal.Notify gets them no
// more and must ask again. If an embedded plugin forwards a port, the first two end
// the session, as they end the plugin when they come from the terminal. A session without streams.In has no keyboard:
// its plugin gets no signal from the terminal, and those to this process are left
// to the caller, who ends ctx.
//
// ready, unless it is nil, is called when an embedded plugin reports that the
// session can be used; of an external one that is seen only if streams.Out is no
// terminal.
func (r *Runner) Run(ctx context.Context, s *proxy.Session, streams proxy.Streams, ready func()) error {
	if ready != nil {
		ready = sync.OnceFunc(ready)
	}
	restore := saveTerminal(streams.In, streams.Out, streams.Err)
	defer restore()
	o, err := r.run(ctx, s, streams, ready)
	if o.closed || r.Terminator == nil || r.endedByItself(s, err) {
		return err
	}
	if left := proxy.End(ctx, r.Terminator, s.ID); left != nil {
		return errors.Join(err, left)
	}
	return err
}

// endedByItself reports whether an external plugin that ended well can be trusted to
// have ended its session. It ends well at the end of its input, too, which for
// ssh is the normal end, and then the session goes on.
func (r *Runner) endedByItself(s *proxy.Session, err error) bool {
	return r.external && err == nil && s.Spec.Document != "AWS-StartSSHSession"
}

// run is the life of the child.
func (r *Runner) run(ctx context.Context, s *proxy.Session, streams proxy.Streams, ready func()) (o outcome, err error) {
	cmd := exec.Command(r.path)
	cmd.Args = argv(s)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.In, streams.Out, streams.Err
	cmd.WaitDelay = time.Second // for a streams.In that is no file and has no end
	cmd.Env = r.environ(s)
	if r.external {
		dir, remove, err := socketDir(cmp.Or(variable(cmd.Env, "TMPDIR"), "/tmp"), socketDirs(func(name string) string { return variable(cmd.Env, name) })...)
		if err == nil && dir != "" {
			cmd.Env = append(cmd.Env, "TMPDIR="+dir)
			defer remove()
		}
	}
	asking, answered := context.WithCancel(ctx)
	defer answered()
	events := func() outcome { return outcome{} }
	forwards, interrupted := make(chan struct{}, 1), make(chan struct{}, 1)
	heard := func(e event) {
		switch {
		case e.Ready && ready != nil:
			ready()
		case e.Forwards:
			proxy.Signal(forwards)
		case e.Interrupted:
			proxy.Signal(interrupted)
		}
	}
	if r.external {
		cmd.Stdout = watchOutput(streams.Out, ready)
	} else {
		done, err := r.openEvents(asking, cmd, s, heard)
		if err != nil {
			return o, err
		}
		events = done
	}
	if r.external && r.Lends && r.Credentials != nil {
		l, err := lend(func(ctx context.Context) (Credentials, error) { return r.Credentials(ctx, "") })
		if err != nil {
			return o, err
		}
		defer l.close()
		cmd.Env = l.environ(cmd.Env)
		const profile = 4
		cmd.Args[profile] = ""
	}
	signals := make(chan os.Signal, 4)
	grace := time.Duration(0)
	if streams.In != nil {
		grace = signalGrace
		signal.Notify(signals, endSignals...)
		defer signal.Stop(signals)
	}
	interrupts, undo, err := r.start(cmd)
	defer undo()
	if err != nil {
		events()
		return o, &NotExecutableError{Path: r.path, Err: err}
	}
	ended := make(chan struct{})
	stopped := make(chan error, 1)
	stop := &stopper{process: cmd.Process, ended: ended, signals: signals, grace: grace,
		forwards: forwards, interrupts: interrupts, interrupted: interrupted}
	go func() { stopped <- stop.run(ctx) }()
	err = cmd.Wait()
	answered()
	close(ended)
	why := <-stopped
	if why == nil {
		why = alsoOurs(cmd.ProcessState, signals, grace)
	}
	o = events()
	if why != nil {
		return o, why
	}
	return o, verdict(cmd, o, err)
}

// start starts the child. If there is a keyboard, its signals are the session's:
// an external child inherits them as ignored, an embedded one ignores them by itself.
// interrupts are those of them that we have got.
func (r *Runner) start(cmd *exec.Cmd) (interrupts <-chan os.Signal, undo func(), err error) {
	switch {
	case cmd.Stdin == nil:
		setApart(cmd)
		return nil, func() {}, cmd.Start()
	case r.external:
		undo, err = startIgnoring(cmd)
		return nil, undo, err
	}
	interrupts, undo = swallowSessionSignals()
	return interrupts, undo, cmd.Start()
}

// argv are the plugin's arguments, as the AWS CLI gives them since it knows the
// environment variable.
func argv(s *proxy.Session) []string {
	return []string{Name, responsePrefix, s.Spec.Region, "StartSession", s.Spec.Profile, request(s.Spec), s.Spec.Endpoint}
}

// certificatesVariable names the file of the trusted certificates to Go's standard library,
// on Linux and the BSDs.
const certificatesVariable = "SSL_CERT_FILE"

// environ is the child's environment: ours, the response, and what is known of the
// connection to a plugin that is not ours.
func (r *Runner) environ(s *proxy.Session) []string {
	env := append([]string(nil), r.env...)
	if r.env == nil {
		env = os.Environ()
	}
	switch {
	case !r.external:
		env = append(env, sessionTypeVariable+"="+s.Spec.SessionType, socketVariable+"="+r.socket)
	case r.Connection != nil && r.Connection.CABundle != "":
		// The official plugin reads the first for its calls, Go the second for its websocket.
		env = append(env, "AWS_CA_BUNDLE="+r.Connection.CABundle, certificatesVariable+"="+r.Connection.CABundle)
	}
	return append(env, responsePrefix+"="+response(s))
}

// variable returns a variable of an environment, "" if it is not set.
func variable(env []string, name string) (value string) {
	for _, entry := range env {
		if key, v, _ := strings.Cut(entry, "="); key == name {
			value = v // the last one counts
		}
	}
	return value
}

// answer finds the credentials for a child that asks.
func (r *Runner) answer(ctx context.Context, refused string) answer {
	if r.Credentials == nil {
		return answer{}
	}
	c, err := r.Credentials(ctx, refused)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
}

// openEvents gives cmd the two pipes, and answers the child of a session until ctx ends. The
// returned function closes our side and returns what the child has said; call it
// when the child is gone or has not started.
func (r *Runner) openEvents(ctx context.Context, cmd *exec.Cmd, s *proxy.Session, heard func(event)) (done func() outcome, err error) {
	eventsOut, eventsIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	lifeOut, lifeIn, err := os.Pipe()
	if err != nil {
		eventsOut.Close()
		eventsIn.Close()
		return nil, err
	}
	passPipes(cmd, eventsIn, lifeOut)
	said := make(chan outcome, 1)
	listen := func(e event) {
		heard(e)
		if e.Asks {
			json.NewEncoder(lifeIn).Encode(r.serve(ctx, s, e)) //nolint:errcheck // a child that is gone asks no more
		}
	}
	go func() { said <- follow(eventsOut, listen) }()
	return func() outcome {
		eventsIn.Close()
		lifeOut.Close()
		o := <-said
		eventsOut.Close()
		lifeIn.Close()
		return o
	}, nil
}

// stopper ends a child when its time has come.
type stopper struct {
	process *os.Process
	ended   <-chan struct{}
	signals <-chan os.Signal // end every session
	grace   time.Duration    // for a child that may have got the signal itself

	forwards    <-chan struct{} // told if interrupts end the session, too
	interrupts  <-chan os.Signal
	interrupted <-chan struct{} // told if the child has got the interrupt itself
}

// run ends the child when ctx ends or a signal asks for it, and says which. A child
// that an interrupt from the terminal has ended says itself how.
func (s *stopper) run(ctx context.Context) error {
	var interrupts <-chan os.Signal
	for {
		select {
		case <-s.ended:
			return nil
		case <-ctx.Done():
			s.end(endSignals[0], s.grace)
			return context.Cause(ctx)
		case sig := <-s.signals:
			s.end(sig, s.grace)
			return &InterruptedError{Signal: sig}
		case <-s.forwards:
			interrupts = s.interrupts
		case sig := <-interrupts:
			if s.end(endSignals[0], s.interruptGrace()) {
				return nil
			}
			return &InterruptedError{Signal: sig}
		}
	}
}

// interruptGrace is how long a child may take to end by an interrupt.
func (s *stopper) interruptGrace() time.Duration {
	select {
	case <-s.interrupted:
		return killGrace
	case <-s.ended:
	case <-time.After(interruptGrace):
	}
	if _, told := within(s.interrupted, 0); told {
		return killGrace
	}
	return 0
}

// end waits for the child to end by itself, and if it does not within grace ends it by a
// signal.
func (s *stopper) end(sig os.Signal, grace time.Duration) (byItself bool) {
	if over(s.ended, grace) {
		return true
	}
	terminateProcess(s.process, sig)
	if !over(s.ended, killGrace) {
		s.process.Kill()
		<-s.ended
	}
	return false
}

// alsoOurs reports, as an error, that the signal that has ended a child was meant for its whole
// process group, us included: the child may be gone before we hear of it, by grace
// at most.
func alsoOurs(child *os.ProcessState, signals <-chan os.Signal, grace time.Duration) error {
	if child == nil || !endedBySignal(child) {
		return nil
	}
	if sig, came := within(signals, grace); came {
		return &InterruptedError{Signal: sig}
	}
	return nil
}

// over reports whether the child has ended, or does within d.
func over(ended <-chan struct{}, d time.Duration) bool {
	_, over := within(ended, d)
	return over
}

// within waits for c, for d at most. What is there when d is over has come in time: this
// process may have been the late one, on a busy machine or stopped.
func within[T any](c <-chan T, d time.Duration) (v T, came bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case v = <-c:
		return v, true
	case <-t.C:
	}
	select {
	case v = <-c:
		return v, true
	default:
		return v, false
	}
}

// verdict is the true result of a child that was not interrupted.
func verdict(cmd *exec.Cmd, o outcome, err error) error {
	switch {
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState == nil:
		return err
	case !cmd.ProcessState.Success() || o.reason != "":
		code := cmd.ProcessState.ExitCode()
		if code == 0 {
			code = 1
		}
		return &ExitError{Args: cmd.Args, Code: code, Signal: killedBy(cmd.ProcessState), Reason: o.reason}
	case o.exitCode != nil && *o.exitCode != 0:
		return &ExitError{Args: cmd.Args, Code: *o.exitCode, Remote: true}
	}
	return nil
}
