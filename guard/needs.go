package guard

import (
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
	actionStart       = "ssm:StartSession"
	actionResume      = "ssm:ResumeSession"
	actionTerminate   = "ssm:TerminateSession"
	actionDataChannel = "ssmmessages:OpenDataChannel"
	actionDataKey     = "kms:GenerateDataKey"
)

// need is one row of the table: how a request turns into one grant.
type need struct {
	id, action string
	advisory   bool
	why        string
	resource   func(Request, Facts) string // "" when the request does not need it
	keys       func(*keyring, Request, Facts)
}

// needs is the table, in the order of the answer.
var needs = []need{
	{GrantTarget, actionStart, false, "to start a session on the target",
		func(r Request, _ Facts) string { return TargetARN(r) }, targetKeys},
	{GrantDocument, actionStart, false, "to use the session document, which is a grant of its own",
		func(r Request, f Facts) string { return documentARN(r, f) }, documentKeys},
	{GrantResume, actionResume, true, "to reconnect when the connection drops",
		func(r Request, _ Facts) string { return sessionARN(r) }, sessionKeys},
	{GrantTerminate, actionTerminate, true, "to end the session when it is left",
		func(r Request, _ Facts) string { return sessionARN(r) }, sessionKeys},
	{GrantDataChannel, actionDataChannel, true, "to open the data channel with a signed request",
		func(r Request, _ Facts) string { return sessionARN(r) }, channelKeys},
	{GrantKMS, actionDataKey, true, "to encrypt the session data, which the document asks for",
		func(_ Request, f Facts) string { return f.KMSKey }, kmsKeys},
}

// Needs returns the grants a request needs, each on its exact ARN and with the
// condition keys of that resource only. It is a pure table: the same input
// gives the same grants in the same order. The required ones come first.
func Needs(r Request, f Facts) []Grant {
	var gs []Grant
	table := needs
	if r.Container != "" {
		table = executeNeeds
	}
	for _, n := range table {
		arn := n.resource(r, f)
		if arn == "" {
			continue
		}
		gs = append(gs, Grant{
			ID: n.id, Action: n.action, Resource: arn, Advisory: n.advisory, Why: n.why,
			Context: keysFor(n, r, f),
		})
	}
	return gs
}

// keysFor builds one grant's context: what cannot be told first, then what is
// known, then what the user states, each winning over the one before.
func keysFor(n need, r Request, f Facts) policy.Context {
	k := keyring{closed: r.Closed}
	openWorld(&k, r.Caller)
	callerKeys(&k, r)
	callKeys(&k, r, f)
	n.keys(&k, r, f)
	for key, values := range r.Context {
		k.stated(key, values)
	}
	return k.c
}
