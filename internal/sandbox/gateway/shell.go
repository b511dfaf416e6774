package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"

	"ssmguard/proxy/channel/wire"
)

// shellDelay is the real agent's wait before it reads a new terminal.
const shellDelay = time.Second

// newTerminal makes the worker of a shell or an interactive command.
func (a *agent) newTerminal() (*worker, error) {
	argv := a.s.g.opt.Shell
	if a.s.cfg.Kind == InteractiveCommands {
		commands, err := a.commands()
		if err != nil {
			return nil, err
		}
		argv = []string{argv[0], "-c", commands}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = a.s.g.opt.Env
	var tty *os.File
	err := withSignals(func() (err error) {
		tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 100, Cols: 300})
		return err
	})
	if err != nil {
		return nil, verbatim("Unable to start command: " + err.Error())
	}
	if tty, err = interruptible(tty); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, err
	}
	return &worker{
		run: func() string {
			defer tty.Close()
			if !a.s.cfg.Unpaced {
				a.sleep(shellDelay)
			}
			a.copyText(tty)
			cmd.Process.Kill() // when the copying ended for lack of a client
			cmd.Wait()
			return ""
		},
		input: func(t wire.PayloadType, p []byte) {
			switch t {
			case wire.PayloadOutput:
				tty.Write(p)
			case wire.PayloadSize:
				var to wire.Size
				if json.Unmarshal(p, &to) == nil && setSize(tty, to) == nil {
					a.s.update(func(st *Status) { st.Rows, st.Cols = to.Rows, to.Cols })
				}
			}
		},
		// The terminal hangs up, which ends its programs unless they ignore SIGHUP.
		stop: func() { cmd.Process.Kill(); tty.Close() },
	}, nil
}

// withSignals starts a process that gets the terminal's signals even if our process
// ignores them, as background jobs of a script do.
func withSignals(start func() error) error {
	var ignored []os.Signal
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(sig) {
			ignored = append(ignored, sig)
		}
	}
	if len(ignored) == 0 {
		return start()
	}
	swallow := make(chan os.Signal, 1)
	signal.Notify(swallow, ignored...) // a signal that is handled here has its default in the child
	defer signal.Ignore(ignored...)
	return start()
}

// commands returns the commands of a command session.
func (a *agent) commands() (string, error) {
	c := a.s.cfg.Properties.Linux
	if c == nil || c.Commands == "" {
		return "", verbatim("Commands cannot be empty for session type " + string(a.s.cfg.Kind))
	}
	return c.Commands, nil
}

// copyText sends the output of r until its end, split between UTF-8 characters.
func (a *agent) copyText(r io.Reader) {
	buf := make([]byte, chunk)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		n += kept
		whole := n
		if err == nil {
			whole -= incomplete(buf[:n])
		}
		if whole > 0 && a.say(wire.PayloadOutput, buf[:whole]) != nil || err != nil {
			return
		}
		kept = copy(buf, buf[whole:n])
	}
}

// incomplete counts the bytes at the end of b that begin a character without ending it.
func incomplete(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// newCommand makes the worker of a non-interactive command.
func (a *agent) newCommand() (*worker, error) {
	commands, err := a.commands()
	if err != nil {
		return nil, err
	}
	separate := a.s.cfg.Properties.Linux.SeparateOutputStream
	cmd := exec.CommandContext(a.ctx, a.s.g.opt.Shell[0], "-c", commands)
	cmd.Env = a.s.g.opt.Env
	setApart(cmd)
	cmd.Cancel = func() error { return killAll(cmd) }
	cmd.WaitDelay = time.Second // for children that keep the pipes open
	out := &sayer{a: a, t: wire.PayloadOutput}
	cmd.Stdout, cmd.Stderr = out, out
	if separate {
		cmd.Stderr = &sayer{a: a, t: wire.PayloadStdErr}
	}
	if err := withSignals(cmd.Start); err != nil {
		return nil, verbatim("Unable to start command: " + err.Error())
	}
	interrupt := sync.OnceFunc(func() { killAll(cmd) })
	return &worker{
		run: func() string {
			cmd.Wait()
			if separate {
				a.say(wire.PayloadExitCode, fmt.Appendf(nil, "EXIT_CODE: %d", cmd.ProcessState.ExitCode()))
			}
			return ""
		},
		input: func(t wire.PayloadType, p []byte) {
			const controlC = 3
			if t == wire.PayloadOutput && len(p) == 1 && p[0] == controlC {
				interrupt()
			}
		},
		stop: interrupt,
	}, nil
}

// sayer is a writer that sends payloads of one type.
type sayer struct {
	a *agent
	t wire.PayloadType
}

func (s *sayer) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n := min(chunk, len(p)-sent)
		if err := s.a.say(s.t, p[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return len(p), nil
}
