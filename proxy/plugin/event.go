package plugin

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
)

// Variables by which a parent of ours prepares its embedded child. The child
// removes them before anything else runs.
const (
	// pipesVariable holds the numbers of the two inherited pipes, "events,life".
	pipesVariable = "SSMGUARD_PLUGIN_PIPES"
	// credentialsVariable says that the credentials in the environment are the
	// ones to use, whatever profile the arguments name.
	credentialsVariable = "SSMGUARD_PLUGIN_CREDENTIALS"
)

// event is what the embedded child reports, one JSON object a line.
type event struct {
	// Ready: the session can be used.
	Ready bool `json:"ready,omitempty"`
	// Closed: the service has closed the channel, so the session is over.
	Closed bool `json:"closed,omitempty"`
	// Reason says why the session failed, in words for the user.
	Reason string `json:"reason,omitempty"`
	// ExitCode is the far command's own, if it has told it.
	ExitCode *int `json:"exitCode,omitempty"`
}

// reporter writes events; a nil reporter writes nothing.
type reporter struct {
	mu   sync.Mutex
	file *os.File
}

func (r *reporter) report(e event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := json.Marshal(e)
	if err == nil {
		r.file.Write(append(b, '\n')) // a parent that is gone is noticed elsewhere
	}
}

// outcome is what a parent has learned from the events of one child.
type outcome struct {
	closed   bool
	reason   string
	exitCode *int
}

// follow reads events until the child is gone. A ready that is not nil is called
// for each that says so.
func follow(r io.Reader, ready func()) (o outcome) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Ready && ready != nil {
			ready()
		}
		o.closed = o.closed || e.Closed
		if e.Reason != "" {
			o.reason = e.Reason
		}
		if e.ExitCode != nil {
			o.exitCode = e.ExitCode
		}
	}
	return o
}
