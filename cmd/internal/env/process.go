package env

import (
	"context"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/internal/safetext"
)

// Process is the process around a command. Commands use it in place of package os, so
// that tests can give them another.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	home           string // home directory where environ has no HOME; "" when not known
	ErrTerminal    bool   // stderr is a terminal ...
	ErrWidth       int    // columns of the terminal, or those that COLUMNS says; 0 when not known

	Asked    Asked // set when the command line is parsed
	AWSVoice bool  // in the AWS CLI's place: its errors have its form, and begin with "aws:"

	Echo *awsconf.Echo // off while an MFA code is typed

	ReadFile func(name string) ([]byte, error) // of ~/.aws; os.ReadFile if nil
	statusMu sync.Mutex
	status   *status // the line that is shown while something takes long; nil for none
	warnedMu sync.Mutex
	warned   map[string]bool
	filesMu  sync.Mutex
	files    *awsconf.Files // nil until the first call of AWSFiles
}

// Asked is what a command line selects from the AWS CLI's configuration. The wording of
// errors depends on it.
type Asked struct {
	Profile     string
	NoProfile   bool   // the profile does not exist
	Region      string // "" when not known
	ErrorFormat string // the AWS CLI's cli_error_format, "" for its default
	NoOtherAWS  bool   // a command line for another aws, of which there is none
}

// AWSFiles returns the files of ~/.aws, which are read at the first call.
func (p *Process) AWSFiles() *awsconf.Files {
	p.filesMu.Lock()
	defer p.filesMu.Unlock()
	if p.files == nil {
		read := p.ReadFile
		if read == nil {
			read = os.ReadFile
		}
		p.files = awsconf.Read(p.Lookup, read)
	}
	return p.files
}

// WarnOnce prints a warning on stderr, each text once.
func (p *Process) WarnOnce(text string) {
	p.warnedMu.Lock()
	defer p.warnedMu.Unlock()
	if p.warned[text] {
		return
	}
	if p.warned == nil {
		p.warned = make(map[string]bool)
	}
	p.warned[text] = true
	safetext.Fprintf(p.Notes(), "ssmguard: warning: %s\n", text)
}

// ForgetAWSFiles makes the next AWSFiles read the files again: a login or an edit may
// have changed them while a tunnel is open.
func (p *Process) ForgetAWSFiles() {
	p.filesMu.Lock()
	defer p.filesMu.Unlock()
	p.files = nil
}

// Signalled is the cause of a context that a signal ended.
type Signalled struct{ Signal syscall.Signal }

// Error names the signal.
func (s Signalled) Error() string { return s.Signal.String() }

// Endings returns the signals that end the process. A hang-up that was ignored at the
// start, as nohup does it, stays ignored. (Shells without job control start background
// commands with interrupts ignored; an interrupt still ends the process.)
func Endings() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
}

// UntilSignalled returns a context that ends with the first of these signals. The
// process then has time to end in good order; the next SIGINT or SIGTERM, unless a command
// that we run takes it, ends the process at once. A hang-up never does: it comes from the
// terminal and from the shell.
func (p *Process) UntilSignalled() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, stopping, stopped := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	restore := terminalAsItIs(p.Stdin)
	signal.Notify(signals, Endings()...)
	hangups := make(chan os.Signal, 1)
	go func() {
		defer close(stopped)
		awaitSignal(signals, stopping, cancel, func() {
			restore()
			if !signal.Ignored(syscall.SIGHUP) {
				signal.Notify(hangups, syscall.SIGHUP)
			}
			signal.Stop(signals)
		})
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(stopping)
		<-stopped
		cancel(nil)
	}
}

// nextSignalAfter is how long after a signal another one counts as the next. GNU timeout
// and terminals in front of npm or make send one signal to us and to our group.
const nextSignalAfter = 500 * time.Millisecond

// awaitSignal cancels with the first signal and, when a while has passed, calls letNext,
// which leaves the next one to the system. It returns early when stopping is closed.
func awaitSignal(signals <-chan os.Signal, stopping <-chan struct{}, cancel context.CancelCauseFunc, letNext func()) {
	select {
	case s := <-signals:
		sig, _ := s.(syscall.Signal)
		cancel(Signalled{sig})
	case <-stopping:
		return
	}
	select {
	case <-time.After(nextSignalAfter):
		letNext()
	case <-stopping:
	}
}

// terminalAsItIs returns what gives a terminal its present modes back; it does nothing
// for a stream that is none, or whose modes are the same.
func terminalAsItIs(stream any) (restore func()) {
	f := FileOf(stream)
	if f == nil {
		return func() {}
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return func() {}
	}
	return func() {
		if now, err := term.GetState(int(f.Fd())); err == nil && !reflect.DeepEqual(before, now) {
			term.Restore(int(f.Fd()), before) //nolint:errcheck // the terminal has gone
		}
	}
}

// NewProcess returns this process for a command.
func NewProcess(stdin io.Reader, stdout, stderr io.Writer) *Process {
	p := &Process{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ(), Echo: new(awsconf.Echo)}
	p.home = homeOfUser(p.Environ)
	p.ErrTerminal, p.ErrWidth = IsTerminal(stderr), Width(stderr)
	if columns, err := strconv.Atoi(p.Getenv("COLUMNS")); err == nil && !p.ErrTerminal && columns > 0 {
		p.ErrWidth = columns // what writes on for us knows its terminal
	}
	return p
}
