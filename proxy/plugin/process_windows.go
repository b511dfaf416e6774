package plugin

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/sessionutil"
)

// sessionSignals are the session's own: while a plugin has the console they are
// meant for the far end.
var sessionSignals = []os.Signal{os.Interrupt}

// endSignals end the session and then the process: a closed console arrives as SIGTERM.
var endSignals = []os.Signal{syscall.SIGTERM}

// signalStatus is the exit status of a process that ends because of a signal.
func signalStatus(os.Signal) int { return 1 }

// swallowSessionSignals keeps the session's signals away from this process, and
// from whoever asked for them, until undo is called. interrupts gets them.
func swallowSessionSignals() (interrupts <-chan os.Signal, undo func()) {
	swallow := make(chan os.Signal, 1)
	signal.Reset(sessionSignals...)
	signal.Notify(swallow, sessionSignals...)
	return swallow, func() { signal.Stop(swallow) }
}

// startIgnoring starts a program and swallows the session's signals, which it
// does not inherit here.
func startIgnoring(cmd *exec.Cmd) (undo func(), err error) {
	_, undo = swallowSessionSignals()
	return undo, cmd.Start()
}

// setApart keeps the console's signals away from a child.
func setApart(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// ignoreUnused does nothing here: the console's signals end a plugin that does
// not take them up.
func ignoreUnused(bool) {}

// passPipes lets cmd inherit both handles and tells it their numbers.
func passPipes(cmd *exec.Cmd, events, life *os.File) {
	handles := []syscall.Handle{syscall.Handle(events.Fd()), syscall.Handle(life.Fd())}
	for _, h := range handles {
		syscall.SetHandleInformation(h, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: handles}
	cmd.Env = append(cmd.Env, pipesVariable+"="+strconv.FormatUint(uint64(handles[0]), 10)+","+strconv.FormatUint(uint64(handles[1]), 10))
}

// openPipes takes over what passPipes has passed; nil if there was nothing.
func openPipes(value string) (*reporter, *os.File) {
	a, b, ok := strings.Cut(value, ",")
	e, err1 := strconv.ParseUint(a, 10, 64)
	l, err2 := strconv.ParseUint(b, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return nil, nil
	}
	return &reporter{file: os.NewFile(uintptr(e), "events")}, os.NewFile(uintptr(l), "life")
}

// terminateProcess ends a process: there is nothing gentler here. Its session is
// terminated by the parent.
func terminateProcess(p *os.Process, _ os.Signal) { p.Kill() }

// killedBy returns 0: no signal ends processes here.
func killedBy(*os.ProcessState) syscall.Signal { return 0 }

// endedBySignal says no, for the same reason.
func endedBySignal(*os.ProcessState) bool { return false }

// notRunnable reports whether an attempt to run a file failed because of the file.
func notRunnable(err error) bool {
	const errorBadExeFormat = syscall.Errno(193)
	return errors.Is(err, errorBadExeFormat) || errors.Is(err, os.ErrPermission)
}

// restoreConsole puts the console's code pages back, which the plugin changes.
func restoreConsole() { sessionutil.RestoreConsoleCodePages() }

// keepOthersOut does nothing: sockets take their permissions from their directory.
func keepOthersOut() {}

// resetAccepted does nothing: a process that ends on Windows leaves its connections to be
// closed by the system.
func resetAccepted() {}
