package peertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Nobody is the user id that Talk takes for another user.
const Nobody = 65534

// talkVariable has the network, the address and the words of a copy that is to connect.
const talkVariable = "SSMGUARD_TEST_TALK"

func init() {
	text, ok := os.LookupEnv(talkVariable)
	if !ok {
		return
	}
	if err := talk(strings.SplitN(text, " ", 4)); err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// talk connects, says something, and prints what it hears until the other end closes.
func talk(args []string) error {
	mode, network, address, words := args[0], args[1], args[2], args[3]
	var d net.Dialer
	d.SetMultipathTCP(mode == "multipath")
	conn, err := d.DialContext(context.Background(), network, address)
	if err != nil {
		return err
	}
	if words != "" {
		if _, err := io.WriteString(conn, words); err != nil {
			return err
		}
	}
	if mode == "leave" {
		return conn.Close()
	}
	if mode == "once" {
		line, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Print(line)
		return err
	}
	_, err = io.Copy(os.Stdout, conn)
	return err
}

// Talk connects as the user Nobody, says words, and returns what the other end says until
// it closes, and how it closed. It skips a test that does not run as root.
func Talk(t *testing.T, network, address, words string) (string, error) {
	t.Helper()
	return run(t, Nobody, "stay", network, address, words)
}

// TalkOnce is Talk that leaves after the first line.
func TalkOnce(t *testing.T, network, address, words string) (string, error) {
	t.Helper()
	return run(t, Nobody, "once", network, address, words)
}

// TalkAs is Talk as a user id, with Multipath TCP if multipath is set.
func TalkAs(t *testing.T, uid int, multipath bool, network, address, words string) (string, error) {
	t.Helper()
	mode := "stay"
	if multipath {
		mode = "multipath"
	}
	return run(t, uid, mode, network, address, words)
}

// Leave connects as the user Nobody and says words. Its process has ended when Leave
// returns.
func Leave(t *testing.T, network, address, words string) {
	t.Helper()
	if _, err := run(t, Nobody, "leave", network, address, words); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, uid int, mode, network, address, words string) (string, error) {
	t.Helper()
	cmd := Command(t, uid, "/proc/self/exe")
	cmd.Env = append(os.Environ(), talkVariable+"="+strings.Join([]string{mode, network, address, words}, " "))
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = errors.New(string(failed.Stderr))
	}
	return string(out), err
}

// Command is a program that runs as a user id, in the root directory. It skips a test
// that does not run as root.
func Command(t *testing.T, uid int, name string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to start a process of another user")
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	return cmd
}
