// Package prove answers for all requests of a range at once: whether every one of them is
// allowed, or denied, by the policies of a caller, or whether one set of policies allows what
// another does not. If not, it has a request that shows it. It decides nothing itself: every
// verdict is guard's. Start with Allowed in prove.go, then classes.go for the targets and
// documents that policies tell apart, and search.go for what is not known of a request.
package prove
