package memtest

import (
	"fmt"
	"os"
	"strings"
)

// Peak returns the most memory that a process has had so far, in KiB, as the kernel counts it
// (VmHWM of proc_pid_status(5)); 0 when the process has ended.
func Peak(pid int) (kib int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib
		}
	}
	return 0
}
