package door

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listening is the state of a listening socket in /proc/net/tcp.
const listening = "0A"

// holder names the process that listens on an address, "" if it is not found: the
// system hides other users' files.
func holder(address string) string {
	host, text, err := net.SplitHostPort(address)
	port, convErr := strconv.Atoi(text)
	if err != nil || convErr != nil {
		return ""
	}
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inodes = append(inodes, listeners(table, net.ParseIP(host), port)...)
	}
	for _, inode := range inodes {
		if pid := owner("socket:[" + inode + "]"); pid != "" {
			name, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
		}
	}
	return ""
}

// listeners returns the inodes of the sockets in a table that listen on a port,
// at an address or at all of them.
func listeners(table string, ip net.IP, port int) (inodes []string) {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode"
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		host, number, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseUint(number, 16, 16); err != nil || int(n) != port {
			continue
		}
		if at := kernelAddress(host); at.IsUnspecified() || at.Equal(ip) {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes
}

// kernelAddress reads an address as /proc/net/tcp has it: words of four bytes,
// each in the machine's order, which is the little endian one where it matters.
func kernelAddress(text string) net.IP {
	b, err := hex.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return nil
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	return net.IP(b)
}

// owner returns the id of a process that has a file open.
func owner(file string) string {
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && target == file {
			return strings.Split(fd, "/")[2]
		}
	}
	return ""
}
