package cli

import "ssmguard/proxy/channel"

// terminalSizes gives the size of the terminal behind a stream once: Windows
// tells of no change.
func terminalSizes(stream any) (sizes <-chan channel.Size, stop func()) {
	out := make(chan channel.Size, 1)
	size, _ := sizeOf(stream)
	out <- size
	return out, func() {}
}
