package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// patience bounds every wait of a driven session; a busy machine may need nearly all of it.
const patience = 2 * time.Minute

// drive runs a command under a pty and follows a file of steps, one a line:
//
//	expect REGEXP  wait until the output not yet expected matches; a group of it is $1 from then on
//	type TEXT      type the text and Enter
//	press TEXT     type the text alone
//	key C          type Ctrl-C, Ctrl-D ... ("key C" is Ctrl-C)
//	resize R C     give the terminal that many rows and columns; as the first step, from the start
//	cut            cut the connections of all sessions in the sandbox, as a change of network does
//	expire         likewise, after temporary credentials have run out
//	signal TERM    send the command a signal
//	hangup         close the terminal
//	gone PID       wait until that process has ended, which is of the session's far end
//	hidden         the session's token is in no process's argument list, nor in the output till the end
//	dial PORT TEXT connect to a local port, send the text as a line and wait for it to come back
//	exit N         the command must end with code N, or by "signal: terminated" (default 0); other
//	               steps may follow it
//
// After the command has ended the terminal, if it is still there, must be as it was. The transcript is
// the script's stdout; standard error goes to the terminal like the rest.
func drive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: drive FILE CMD [ARG...]")
	}
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	size := pty.Winsize{Rows: 24, Cols: 300} // no message is wider

	if first, ok := strings.CutPrefix(lines[0], "resize "); ok { // before the command looks
		_, err := fmt.Sscan(first, &size.Rows, &size.Cols)
		ts.Check(err)
	}
	d, err := startDriven(ts, args[1:], size)
	ts.Check(err)
	defer d.close()
	ended := false
	for n, line := range lines {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb == "exit" {
			ended = true
			d.expectExit(ts, rest)
			continue
		}
		if err := d.step(verb, rest); err != nil {
			ts.Fatalf("%s:%d: %s: %v\noutput so far:\n%s", args[0], n+1, line, err, d.screen.String())
		}
	}
	if !ended {
		d.expectExit(ts, "0")
	}
	after, err := unix.IoctlGetTermios(int(d.tty.Fd()), unix.TCGETS)
	if !d.hungUp && (err != nil || !reflect.DeepEqual(d.before, after)) {
		ts.Fatalf("the terminal is not restored (%v): before %+v, after %+v", err, d.before, after)
	}
	d.drain()
	if d.token != "" && strings.Contains(d.screen.String(), d.token) {
		ts.Fatalf("the token is shown:\n%s", d.screen.String())
	}
	_, err = ts.Stdout().Write([]byte(d.screen.String()))
	ts.Check(err)
}

// driven is a command under a pty.
type driven struct {
	cmd       *exec.Cmd
	term, tty *os.File
	before    *unix.Termios
	screen    *screen
	done      chan error
	read      chan struct{} // closed at the end of the output
	group     string        // $1
	environ   []string
	hungUp    bool
	token     string // of the session, once "hidden" has looked for it
}

func startDriven(ts *testscript.TestScript, args []string, size pty.Winsize) (*driven, error) {
	term, tty, err := pty.Open()
	if err != nil {
		return nil, err
	}
	if err := pty.Setsize(term, &size); err != nil {
		return nil, err
	}
	if term, err = closable(term); err != nil {
		return nil, err
	}
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnviron(ts)
	environ := cmd.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	d := &driven{cmd: cmd, term: term, tty: tty, before: before, screen: newScreen(), environ: environ, done: make(chan error, 1), read: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(d.read)
		io.Copy(d.screen, term)
	}()
	go func() { d.done <- cmd.Wait() }()
	return d, nil
}

// closable returns a file for the same terminal whose Close hangs up although
// somebody reads it.
func closable(term *os.File) (*os.File, error) {
	defer term.Close()
	fd, err := unix.FcntlInt(term.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // before NewFile, which looks at it
		return nil, err
	}
	return os.NewFile(uintptr(fd), term.Name()), nil
}

func (d *driven) resize(rows, cols uint16) error {
	raw, err := d.term.SyscallConn() // Fd would take closable back
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	})
	return errors.Join(err, failed)
}

func (d *driven) close() {
	d.cmd.Process.Kill()
	d.term.Close()
	d.tty.Close()
}

// drain waits until what the command has written is on the screen: the terminal ends
// when nobody has it any more.
func (d *driven) drain() {
	d.tty.Close()
	select {
	case <-d.read:
	case <-time.After(patience):
	}
}

func (d *driven) step(verb, rest string) error {
	rest = strings.ReplaceAll(rest, "$1", d.group)
	switch verb {
	case "expect":
		re, err := regexp.Compile(rest)
		if err != nil {
			return err
		}
		group, err := d.screen.expect(re)
		if group != "" {
			d.group = group
		}
		return err
	case "resize":
		var rows, cols uint16
		if _, err := fmt.Sscan(rest, &rows, &cols); err != nil {
			return err
		}
		return d.resize(rows, cols)
	case "cut":
		return d.disturb(unix.SIGUSR1)
	case "expire":
		return d.disturb(unix.SIGUSR2)
	case "signal":
		return d.cmd.Process.Signal(unix.SignalNum("SIG" + rest))
	case "hangup":
		d.hungUp = true
		return errors.Join(d.tty.Close(), d.term.Close())
	case "gone":
		return awaitGone(rest)
	case "dial":
		port, text, _ := strings.Cut(rest, " ")
		return dial(port, text)
	case "type":
		_, err := d.term.WriteString(rest + "\r")
		return err
	case "press":
		_, err := d.term.WriteString(rest)
		return err
	case "key":
		_, err := d.term.Write([]byte{rest[0] & 0x1f})
		return err
	case "hidden":
		token, err := tokenHidden(d.cmd.Process.Pid)
		d.token = token
		return err
	}
	return fmt.Errorf("unknown step %q", verb)
}

// disturb sends the script's sandbox a signal.
func (d *driven) disturb(sig unix.Signal) error {
	for _, entry := range d.environ {
		if pid, ok := strings.CutPrefix(entry, "SSMGUARD_SANDBOX="); ok {
			n, err := strconv.Atoi(pid)
			if err != nil {
				return err
			}
			return unix.Kill(n, sig)
		}
	}
	return errors.New("no sandbox is served")
}

// awaitGone waits for the end of a process that is not ours to wait for.
func awaitGone(pid string) error {
	for deadline := time.After(patience); ; {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			return fmt.Errorf("process %s still runs after %v", pid, patience)
		}
	}
}

// expectExit waits for the command's end and fails the script unless it is the one wanted.
func (d *driven) expectExit(ts *testscript.TestScript, want string) {
	if got := d.wait(); got != want {
		ts.Fatalf("exit code %s, want %s\noutput:\n%s", got, want, d.screen.String())
	}
}

// wait returns the exit code, or what else ended the command.
func (d *driven) wait() string {
	select {
	case err := <-d.done:
		if err != nil {
			return strings.TrimPrefix(err.Error(), "exit status ")
		}
		return "0"
	case <-time.After(patience):
		return "nothing: still running"
	}
}

// screen collects a terminal's output and lets one reader wait for parts of it.
type screen struct {
	mu   sync.Mutex
	all  bytes.Buffer
	from int // output before it has been expected already
	news chan struct{}
}

func newScreen() *screen { return &screen{news: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Write(p)
	select {
	case s.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.all.String(), "\r\n", "\n")
}

// raw is the output byte for byte.
func (s *screen) raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// expect waits for a match and returns its first group.
func (s *screen) expect(re *regexp.Regexp) (string, error) {
	deadline := time.After(patience)
	for {
		if group, ok := s.find(re); ok {
			return group, nil
		}
		select {
		case <-s.news:
		case <-deadline:
			return "", fmt.Errorf("did not appear in %v", patience)
		}
	}
}

func (s *screen) find(re *regexp.Regexp) (group string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unread := s.all.Bytes()[s.from:]
	at := re.FindSubmatchIndex(unread)
	if at == nil {
		return "", false
	}
	if len(at) > 2 && at[2] >= 0 {
		group = string(unread[at[2]:at[3]])
	}
	s.from += at[1]
	return group, true
}

// dial sends a line through a tunnel and waits until it comes back.
func dial(port, text string) error {
	conn, err := net.Dial("tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, text); err != nil {
		return err
	}
	for lines := bufio.NewScanner(conn); ; {
		if !lines.Scan() {
			return fmt.Errorf("the line did not come back: %v", lines.Err())
		}
		if lines.Text() == text {
			return nil
		}
	}
}
