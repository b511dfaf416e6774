// Package bastion is about the target that a tunnel to a database goes through: whether
// security groups let it reach the database, what to add if they do not, which targets there
// are to choose from, and how a stopped one is started. It reads what it needs when it is
// asked, never opens a session, and changes nothing but that it starts an instance for whom
// has asked for it. Start with Way in way.go, then Choose in choose.go.
package bastion
