package world

import "time"

// Fault is a disturbance of calls: each field that is set takes effect.
type Fault struct {
	Operation string // "iam:GetRole", "iam:*" or "*"
	Call      int    // the call it strikes, counted from 1 since it was injected; 0: every call
	Delay     time.Duration
	Kind      FaultKind
}

// FaultKind says what happens to a call after the delay.
type FaultKind string

// The kinds of fault. The empty one lets the call through.
const (
	Throttle    FaultKind = "throttle"    // "Rate exceeded"
	Unavailable FaultKind = "unavailable" // 503
	Garbage     FaultKind = "garbage"     // 200 with a body that is no answer
	Drop        FaultKind = "drop"        // the connection is closed without an answer
)
