//go:build unix

package plugin

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// sessionSignals are the session's own: while a plugin has the terminal they are
// meant for the far end. The plugin inherits them as ignored, as from the AWS CLI.
var sessionSignals = []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP}

// endSignals end the session and then the process that got them.
var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGHUP}

// keepOthersOut makes the sockets that the official session types open usable by the own
// user alone: that of a session whose document asks for one, and the one between the two
// halves of a multiplexed session.
func keepOthersOut() { syscall.Umask(0o077) }

// signalStatus is the exit status of a process that ends because of a signal.
func signalStatus(sig os.Signal) int {
	if s, ok := sig.(syscall.Signal); ok {
		return 128 + int(s)
	}
	return 1
}

// swallowSessionSignals keeps the session's signals away from this process, and
// from whoever asked for them, until undo is called. interrupts gets those that
// are meant to end something.
func swallowSessionSignals() (interrupts <-chan os.Signal, undo func()) {
	var ignored []os.Signal
	for _, sig := range sessionSignals {
		if signal.Ignored(sig) {
			ignored = append(ignored, sig)
		}
	}
	swallow, ends := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Reset(sessionSignals...)
	signal.Notify(swallow, sessionSignals...)
	signal.Notify(ends, syscall.SIGINT, syscall.SIGQUIT)
	return ends, func() {
		signal.Stop(swallow)
		signal.Stop(ends)
		if len(ignored) > 0 { // Ignore without arguments means all
			signal.Ignore(ignored...)
		}
	}
}

// startIgnoring starts a program that is to inherit the session's signals as
// ignored, and keeps them away from this process, too. Go cannot take an Ignore back for SIGINT:
// afterwards this process ignores it until signal.Notify asks for it.
func startIgnoring(cmd *exec.Cmd) (undo func(), err error) {
	signal.Ignore(sessionSignals...)
	err = cmd.Start()
	_, swallow := swallowSessionSignals()
	return func() {
		swallow()
		signal.Ignore(syscall.SIGINT)
	}, err
}

// setApart keeps the terminal's signals away from a child.
func setApart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ignoreUnused ignores the session's signals in a plugin, as the AWS CLI has it:
// for a parent of ours, or if the caller ignores one of them, which a Go program
// inherits for some signals only. The plugin takes them up again where they mean
// something.
func ignoreUnused(ours bool) {
	if ours || signal.Ignored(syscall.SIGINT) {
		signal.Ignore(sessionSignals...)
	}
}

// passPipes lets cmd inherit both files and tells it their numbers.
func passPipes(cmd *exec.Cmd, events, life *os.File) {
	const first = 3
	n := first + len(cmd.ExtraFiles)
	cmd.ExtraFiles = append(cmd.ExtraFiles, events, life)
	cmd.Env = append(cmd.Env, pipesVariable+"="+strconv.Itoa(n)+","+strconv.Itoa(n+1))
}

// openPipes takes over what passPipes has passed; nil if there was nothing.
func openPipes(value string) (*reporter, *os.File) {
	a, b, ok := strings.Cut(value, ",")
	e, err1 := strconv.Atoi(a)
	l, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil {
		return nil, nil
	}
	syscall.CloseOnExec(e)
	syscall.CloseOnExec(l)
	return &reporter{file: os.NewFile(uintptr(e), "events")}, os.NewFile(uintptr(l), "life")
}

// terminateProcess asks a process to end.
func terminateProcess(p *os.Process, sig os.Signal) { p.Signal(sig) }

// killedBy returns the signal that ended a process, 0 if none did.
func killedBy(s *os.ProcessState) syscall.Signal {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return w.Signal()
	}
	return 0
}

// endedBySignal reports whether one of endSignals ended a process, be it that the
// process took it up.
func endedBySignal(s *os.ProcessState) bool {
	return slices.ContainsFunc(endSignals, func(sig os.Signal) bool {
		return sig == killedBy(s) || s.ExitCode() == signalStatus(sig)
	})
}

// notRunnable reports whether an attempt to run a file failed because of the file.
func notRunnable(err error) bool {
	return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOEXEC) || errors.Is(err, syscall.EISDIR)
}

// restoreConsole does nothing here: the terminal has no code pages.
func restoreConsole() {}
