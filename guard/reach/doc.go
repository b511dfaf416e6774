// Package reach answers for a whole account who can open what: for every principal, target
// and document whether a session is allowed, by which statements, and what the answer turns
// on where it is not known. It decides nothing itself: every verdict is guard's, and is asked
// for once for all requests that the policies cannot tell apart. It never reads files and
// never calls AWS. Start with Account in account.go and Decide in decide.go; reduce.go says
// which statements bear on an account, classes.go which requests are alike.
//
// # Why the answers are those of asking one by one
//
// A session needs two grants, one on the target and one on the document, and neither turns
// on the resource of the other: one half of the requests is principals against targets, the
// other principals against documents.
//
// A statement that matches the action or the resource of no request of a half has no part in
// any of its verdicts, and is left out: principals that differ in such statements alone are
// alike. Of a principal a verdict turns on its statements, on its kind, on what is not known
// of it, and on the keys of the caller that these statements name, in a condition or as a
// variable. Of a condition on the caller's ARN, name or id without variables, it turns on
// nothing but whether the condition holds. Of a target or document a verdict turns on which of
// the resources of these statements its ARN matches, on its region, on which of their conditions
// on its tags hold, and on what is not known of it. A condition that compares a tag with texts
// holds for all callers alike; one that compares it with values of the caller is tried for each
// group of callers; of one with other variables the tag itself counts. A resource with a variable may tell apart whatever it
// could match with any text in its place, and each such target is then a class of its own; so
// is each whose region is not known. All other condition keys have the same state in every
// request of an account.
package reach
