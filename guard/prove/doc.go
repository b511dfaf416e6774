// Package prove answers for all requests of a range at once: whether every one of them is
// allowed, or denied, by the policies of a caller, or whether one set of policies allows what
// another does not. If not, it has a request that shows it. It decides nothing itself: every
// verdict is guard's. Start with Allowed in prove.go, then classes.go for the targets and
// documents that policies tell apart, variables.go for the variables in their names, and
// search.go for what is not known of a request.
//
// # Why nothing is missed
//
// A policy looks at a request through finitely many comparisons: the patterns of its
// resources, and the values of its conditions. Two requests that come out alike in all of them
// have the same verdict, so that one request of each class is enough, and there are finitely
// many classes. They are enumerated in this order.
//
//   - Callers: the one that is named, or else a user and a role, whose ARN and name are keys like
//     others, in one account of each class that the patterns and values tell apart.
//   - Regions: one of each class among those of the partition; each by itself where a policy
//     compares the region with something that is not written out.
//   - Targets, documents, the accounts of shared documents, and the sessions of others: the
//     patterns are automata, and a walk through their product, held to what such names look like,
//     comes by one name for each combination of them that some name satisfies (automata.Classes).
//   - Tags and all other condition keys: guard's evaluator names the keys that the verdict turns
//     on, and one state of each class of their values that the undecided statements tell apart
//     (policy.Evaluator.States), their absence included. One key is given a state after the
//     other, those of the whole request before those of one resource, and after each the classes
//     are looked for anew, so that comparisons between keys are between values that are known.
//   - A tag has two keys, aws:ResourceTag/ and ssm:resourceTag/; what is asked of one is asked of both.
//
// What a variable stands for in the name of a resource is told apart by one pattern for each
// value that conditions compare its key with. That is exact where a name leaves the variable
// one value. Where it leaves several (two variables, or a wildcard beside one whose value is
// compared), or one value has to fit target and document, no proof is made of it: the claim is
// tried again with patterns that match, of all that they match with any value, any; what holds then
// holds, too, and else the answer is that it is not decided.
//
// Every counterexample is asked of guard again, as one request of a caller with an ARN, before it is
// returned.
//
// # Where the answer is that it is not decided
//
//   - A layer of policies could not be read, and the verdict turns on it.
//   - Variables in names, as above, which others are compared with.
//   - More classes than are looked through (4,000 states of a product of automata, 400,000
//     verdicts), more than six values of a key that has several, or numbers, dates and texts
//     asked of one key at once.
//   - Accounts, or the targets of sessions, that are compared with texts that hold variables.
//   - What was found is no request that could be: the name of a user does not go with its ARN,
//     or two keys of its time differ.
//
// # What is taken for granted
//
// AWS's session documents are those that are known here: one that AWS adds later is not looked
// at. Keys have the values that AWS documents for them, and keys that exclude each other, or
// come together, do so. Of two tags that differ in case alone a resource has one. Callers are users and roles,
// federated users and root only where --principal names them.
package prove
