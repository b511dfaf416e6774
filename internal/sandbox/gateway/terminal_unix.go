//go:build unix

package gateway

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"ssmguard/proxy/channel/wire"
)

// interruptible returns a file for the same terminal whose Close frees whoever
// reads or writes it: a program that does not read would block a write for ever.
func interruptible(tty *os.File) (*os.File, error) {
	defer tty.Close()
	fd, err := unix.FcntlInt(tty.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), tty.Name()), nil
}

// setSize sets a terminal's size. It leaves an interruptible file so, which
// asking for its descriptor would not.
func setSize(tty *os.File, to wire.Size) error {
	raw, err := tty.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(to.Rows), Col: uint16(to.Cols)})
	})
	if err != nil {
		return err
	}
	return failed
}

// setApart makes a program to be started the first of a group that killAll ends.
func setApart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killAll(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
