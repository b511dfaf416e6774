//go:build unix

package gateway

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"ssmguard/proxy/channel/wire"
)

// interruptible returns a file for the same terminal whose Close unblocks readers and
// writers: a program that does not read would block a write for ever.
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

// setSize sets a terminal's size. An interruptible file stays interruptible, which it
// would not after Fd.
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

// setApart starts a program in a process group of its own, for killAll.
func setApart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killAll(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
