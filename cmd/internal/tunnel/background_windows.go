package tunnel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/program"
)

// readyVariable has the handle for the report that a background process's tunnels are ready:
// Windows has no numbers of open files that a child inherits.
const readyVariable = "SSMGUARD_TUNNEL_READY"

// passReady gives a command the file for its report.
func passReady(cmd *exec.Cmd, report *os.File) error {
	handle := syscall.Handle(report.Fd())
	if err := syscall.SetHandleInformation(handle, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT); err != nil {
		return err
	}
	cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, handle)
	cmd.Env = append(cmd.Env, readyVariable+"="+strconv.FormatUint(uint64(handle), 10))
	return nil
}

// readyReport is the file for our report.
func readyReport(p *env.Process) *os.File {
	handle, err := strconv.ParseUint(p.Getenv(readyVariable), 10, 64)
	if err != nil {
		return nil // a write to it fails, as to one that nobody reads
	}
	return os.NewFile(uintptr(handle), "ready")
}

// interrupt ends a background process that is not ready.
func interrupt(cmd *exec.Cmd) { program.InterruptGroup(cmd) } //nolint:errcheck // it may have ended

// turnable is a stream whose writes can be turned to a file.
type turnable struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (t *turnable) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(b)
}

// turn closes what was written to, as far as it is a file.
func (t *turnable) turn(to io.Writer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.to
	t.to = to
	if f := env.FileOf(old); f != nil {
		return f.Close()
	}
	return nil
}

// detachable prepares a process's streams to be redirected: Windows cannot replace the
// file behind a handle.
func detachable(p *env.Process) {
	p.Stdout, p.Stderr = &turnable{to: p.Stdout}, &turnable{to: p.Stderr}
}

// freeConsole leaves the console, whose end would be ours ("FreeConsole" of Windows'
// documentation).
var freeConsole = windows.NewLazySystemDLL("kernel32.dll").NewProc("FreeConsole")

// redirect detaches the standard streams: output goes to the log, the traces of a crash
// included, and the console is left.
func redirect(p *env.Process, log *os.File) error {
	var errs []error
	for _, number := range []uint32{windows.STD_OUTPUT_HANDLE, windows.STD_ERROR_HANDLE} {
		errs = append(errs, windows.SetStdHandle(number, windows.Handle(log.Fd())))
	}
	for _, stream := range []io.Writer{p.Stdout, p.Stderr} {
		t, ok := stream.(*turnable)
		if !ok {
			errs = append(errs, fmt.Errorf("%T cannot be redirected", stream))
			continue
		}
		errs = append(errs, t.turn(log))
	}
	if f := env.FileOf(p.Stdin); f != nil {
		errs = append(errs, f.Close())
	}
	freeConsole.Call() //nolint:errcheck // there may be none
	return errors.Join(errs...)
}
