package plugin

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"
)

// pipesVariable holds the numbers of the two pipes that an embedded child inherits,
// "events,life". The child removes it before anything else runs.
const pipesVariable = "SSMGUARD_PLUGIN_PIPES"

// sessionTypeVariable holds what the document says of its sessions, see proxy.Spec. The child
// believes it with pipes only.
const sessionTypeVariable = "SSMGUARD_PLUGIN_SESSION_TYPE"

// socketVariable holds Runner.socket. The child believes it with pipes only.
const socketVariable = "SSMGUARD_PLUGIN_SOCKET"

// event is what the embedded child reports, one JSON object a line.
type event struct {
	// Ready: the session can be used.
	Ready bool `json:"ready,omitempty"`
	// Forwards: the session forwards a port, so that an interrupt ends it; in others
	// it is meant for the far end.
	Forwards bool `json:"forwards,omitempty"`
	// Interrupted: the session ends, since an interrupt from the terminal has come to
	// the child as well.
	Interrupted bool `json:"interrupted,omitempty"`
	// Closed: the service has closed the channel, so the session is over.
	Closed bool `json:"closed,omitempty"`
	// Reason says why the session failed, in words for the user.
	Reason string `json:"reason,omitempty"`
	// ExitCode is the far command's own, if it has told it.
	ExitCode *int `json:"exitCode,omitempty"`
	// Asks: the child waits for an answer on the life pipe.
	Asks bool `json:"asks,omitempty"`
	// Request is what it asks for, one of the requests of calls.go; "": credentials.
	Request string `json:"request,omitempty"`
	// KeyID and EncryptionContext are those of a data key; only with requestDataKey.
	KeyID             string            `json:"keyID,omitempty"`
	EncryptionContext map[string]string `json:"encryptionContext,omitempty"`
	// Refused is the code by which AWS has refused the credentials that the child
	// was given last; only where it asks for credentials.
	Refused string `json:"refused,omitempty"`
}

// answer is what the parent says to a child that asks, one JSON object a line.
// It is never logged.
type answer struct {
	AccessKeyID     string        `json:"accessKeyID,omitempty"` // "": the child is to find its own
	SecretAccessKey string        `json:"secretAccessKey,omitempty"`
	SessionToken    string        `json:"sessionToken,omitempty"`
	Ahead           time.Duration `json:"ahead,omitempty"` // of AWS's clock, beside this machine's
	Error           string        `json:"error,omitempty"` // why there is nothing that was asked for
	Code            string        `json:"code,omitempty"`  // AWS's code for that

	Served     bool   `json:"served,omitempty"` // the parent has done what was requested, or tried it
	Token      string `json:"token,omitempty"`
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext []byte `json:"ciphertext,omitempty"`
	Proxy      string `json:"proxy,omitempty"`
	CABundle   string `json:"caBundle,omitempty"`
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

// follow reads events until the child is gone, and calls heard for each.
func follow(r io.Reader, heard func(event)) (o outcome) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		heard(e)
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
