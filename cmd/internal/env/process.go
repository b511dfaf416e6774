package env

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"ssmguard/cmd/internal/awsconf"
)

// Process is what a command has of the process around it. Commands take it
// from here and never from package os, so that tests can give them another.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	home           string // where environ has no HOME; "" when not known
	ErrTerminal    bool   // stderr is a terminal ...
	ErrWidth       int    // ... of so many columns; 0 when not known

	Asked Asked // by the command line, once it is known

	Echo *awsconf.Echo // off while we ask for a code

	ReadFile func(name string) ([]byte, error) // of ~/.aws; os.ReadFile if nil
	filesMu  sync.Mutex
	files    *awsconf.Files // nil until they are asked for
}

// Asked is what a command line asks of the AWS CLI's configuration. Errors are worded
// by it.
type Asked struct {
	Profile     string
	NoProfile   bool   // the profile is not there
	Region      string // "" until it is known
	ErrorFormat string // the AWS CLI's cli_error_format, "" for its default
}

// AWSFiles are the files of ~/.aws. They are read at the first call and then kept.
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

// ForgetAWSFiles has the next AWSFiles read them again: in the life of a tunnel a
// login or an edit may change them.
func (p *Process) ForgetAWSFiles() {
	p.filesMu.Lock()
	defer p.filesMu.Unlock()
	p.files = nil
}

// Signalled is the cause of a context that a signal ended.
type Signalled struct{ Signal syscall.Signal }

// Error names the signal.
func (s Signalled) Error() string { return s.Signal.String() }

// Endings are the signals that are meant to end us. Whoever has us ignore a
// hang-up, as nohup does, wants that to stay so. (Shells without job control have
// what runs beside them ignore interrupts; an interrupt that is sent all the same
// is meant.)
func Endings() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
}

// UntilSignalled returns a context that ends with the first signal that is meant
// to end us.
func UntilSignalled() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, Endings()...)
	go func() {
		defer close(stopped)
		if s, ok := (<-signals).(syscall.Signal); ok {
			cancel(Signalled{s})
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-stopped
		cancel(nil)
	}
}

// NewProcess returns what a command has of this process.
func NewProcess(stdin io.Reader, stdout, stderr io.Writer) *Process {
	p := &Process{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ(), Echo: new(awsconf.Echo)}
	p.home = homeOfUser(p.Environ)
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.ErrTerminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.ErrWidth = width
		}
	}
	return p
}
