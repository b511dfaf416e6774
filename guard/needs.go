package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// The IDs of the grants, stable in JSON.
const (
	GrantTarget      = "start/target"
	GrantDocument    = "start/document"
	GrantResume      = "resume"
	GrantTerminate   = "terminate"
	GrantDataChannel = "openDataChannel"
	GrantKMS         = "kms"
)

// The actions of a session.
const (
	ActionStart       = "ssm:StartSession"
	ActionResume      = "ssm:ResumeSession"
	ActionTerminate   = "ssm:TerminateSession"
	ActionDataChannel = "ssmmessages:OpenDataChannel"
	ActionDataKey     = "kms:GenerateDataKey"
)

// Need is one row of the table: how a request turns into one grant.
type Need struct {
	id, action string
	advisory   bool
	why        string
	resource   func(Request, Facts) string // "" when the request does not need it
	Keys       func(*Keyring, Request, Facts)
}

// needs is the table, in the order of the answer.
var needs = []Need{
	{GrantTarget, ActionStart, false, "to start a session on the target",
		func(r Request, _ Facts) string { return TargetARN(r) }, targetKeys},
	{GrantDocument, ActionStart, false, "to use the session document, which is a grant of its own",
		func(r Request, f Facts) string { return documentARN(r, f) }, documentKeys},
	{GrantResume, ActionResume, true, "to reconnect when the connection drops",
		func(r Request, _ Facts) string { return sessionARN(r) }, sessionKeys},
	{GrantTerminate, ActionTerminate, true, "to end the session when it is left",
		func(r Request, _ Facts) string { return sessionARN(r) }, sessionKeys},
	{GrantDataChannel, ActionDataChannel, true, "to open the data channel with a signed request",
		func(r Request, _ Facts) string { return sessionARN(r) }, channelKeys},
	{GrantKMS, ActionDataKey, true, "to encrypt the session data, which the document asks for",
		func(_ Request, f Facts) string { return f.KMSKey }, kmsKeys},
}

// Needs returns the grants a request needs, each on its exact ARN and with the
// condition keys of that resource only. It is a pure table: the same input
// gives the same grants in the same order. The required ones come first.
func Needs(r Request, f Facts) []Grant {
	if r.Container != "" {
		return grantsOf(executeNeeds, r, f)
	}
	return grantsOf(needs, r, f)
}

func grantsOf(table []Need, r Request, f Facts) []Grant {
	var gs []Grant
	for _, n := range table {
		arn := n.resource(r, f)
		if arn == "" {
			continue
		}
		gs = append(gs, Grant{
			ID: n.id, Action: n.action, Resource: arn, Advisory: n.advisory, Why: n.why,
			Context: KeysFor(n, r, f),
		})
	}
	return gs
}

// KeysFor builds one grant's context: what cannot be told first, then what is
// known, then what the user states, each winning over the one before.
func KeysFor(n Need, r Request, f Facts) policy.Context {
	k := Keyring{closed: r.Closed}
	k.table(r.Caller)
	callerKeys(&k, r)
	callKeys(&k, r, f)
	n.Keys(&k, r, f)
	for key, values := range r.Context {
		if of, name := statedOf(key); of == "" && !n.others(name, r, f) {
			k.stated(name, values)
		}
	}
	for key, values := range r.Context {
		if of, name := statedOf(key); of != "" && of == n.prefix() {
			k.stated(name, values)
		}
	}
	return k.c
}

// prefix is with what the keys of the need's resource alone are stated.
func (n Need) prefix() string {
	switch n.id {
	case GrantTarget, GrantTask:
		return ofTarget
	case GrantDocument:
		return ofDocument
	}
	return ""
}

// others reports whether a key that is stated of the caller's resources says nothing
// of this one, which is somebody else's.
func (n Need) others(key string, r Request, f Facts) bool {
	if n.id != GrantDocument || ArnField(documentARN(r, f), FieldAccount) == r.Caller.Account {
		return false
	}
	return IsTagKey(key) || slices.ContainsFunc(ownerKeys, func(o string) bool { return strings.EqualFold(o, key) })
}
