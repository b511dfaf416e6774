//go:build unix

package configs

import "syscall"

// nonblock makes opening a pipe return without a writer.
const nonblock = syscall.O_NONBLOCK
