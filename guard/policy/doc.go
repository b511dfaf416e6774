// Package policy is the IAM policy language: it parses policy documents and
// evaluates requests against them. It is three-valued, visits every statement
// and imports the standard library only.
//
// A Set holds the policies that bear on one caller, a Context what is known of
// the request's condition keys. Set.Evaluate answers with the verdict, the
// statements that decided, each layer's own answer, and for
// Unknown the keys and layers it turns on. An Evaluator does the same without
// allocating. A CaseEvaluator decides cases in the format case-v1. It never knows what
// a session is. Start with evaluate.go, then set.go and statement.go.
//
// What follows says, in the order of AWS's own reference, what is evaluated and
// what is not. Pages are named by their last part under
// docs.aws.amazon.com/IAM/latest/UserGuide/.
//
// # Grammar (reference_policies_grammar, reference_policies_elements)
//
// Version is 2012-10-17 or 2008-10-17, and 2008-10-17 when it is missing. Id, Sid,
// Effect, Action, NotAction, Resource, NotResource and Condition are read in any
// order, single values with or without an array. Principal and NotPrincipal stand
// in endpoint policies, Principal "*" in resource control policies; elsewhere they
// are faults. Names of elements and the Effect are case-sensitive.
//
// A document that IAM's CreatePolicy refuses is refused, with line and column: an
// element unknown, missing or given twice, an empty list of statements, actions or
// resources, a Sid that is not alphanumeric or comes twice, an action without
// service prefix, a resource that is no ARN, has an unknown partition or a wildcard
// for its service, a region in an ARN of IAM or S3, an unknown condition operator,
// a date that is none. What IAM takes is taken: condition blocks without keys or
// values, condition keys it does not know, numbers that are none; some of it gives
// a Warning, as do documents longer than AWS's limits. Whether actions, resource
// types and condition keys exist in a service is not checked.
//
// # Action (reference_policies_elements_action)
//
// Service prefix and name ignore case. "*" and "?" stand anywhere in the name, in
// the prefix only "*" for all of it.
//
// # Resource (reference_policies_elements_resource, reference-arns)
//
// The first five components of an ARN ignore case, the sixth does not. Before the
// fifth colon "?" and "*" stay inside their component, except for a "*" that ends
// one: it matches beyond colons. In the sixth component every wildcard matches
// everything, "/" and ":" too. In identity, boundary and session policies an ARN
// with fewer components is completed with wildcards. The resource "*" of an action
// without resource types is matched by the pattern "*" only.
//
// # Variables (reference_policies_variables)
//
// With version 2012-10-17, ${key} and ${key, 'default'} are expanded behind the
// fifth colon of a resource and in the values of String, Arn and Bool conditions;
// ${*}, ${?} and ${$} are the characters themselves. Wildcards inside a value are
// literal. A key that is absent, empty or multivalued has no value: its default
// counts, and without one a resource pattern matches nothing (so that NotResource
// applies), a positive condition does not hold and a negated one does.
//
// # Condition (reference_policies_elements_condition and its operators page)
//
// All operators: String, Numeric, Date, Bool, BinaryEquals, IpAddress for both
// address families, Arn and Null, with IfExists, ForAllValues and ForAnyValue. Keys
// ignore case. Operators and keys are joined by and, values by or, those of negated
// operators by nor. An absent key makes positive operators false, negated ones,
// IfExists and ForAllValues true and ForAnyValue false. An empty value is no value
// to ForAllValues, ForAnyValue and Null.
//
// Where AWS is silent or contradicts itself: a multivalued key without a set
// operator makes any condition but Null false; ForAnyValue with IfExists is true for
// an absent key; a value of the wrong type matches nothing, so that the negated
// operator holds; Null with a set qualifier is constant, as Access Analyzer says.
//
// # Evaluation logic (reference_policies_evaluation-logic)
//
// A matching Deny in any layer is an explicit deny. Else every layer that exists
// must allow: the identity policies (root is allowed without), the permissions
// boundary, the union of the session policies, the SCPs of each level of the
// organization and the VPC endpoint policy. RCPs allow implicitly, as
// RCPFullAWSAccess is attached everywhere. Which layers bear on a request is the
// caller's business: that SCPs leave out the management account and service-linked
// roles, and that RCPs cover some services only, is not decided here.
//
// Not evaluated: resource-based policies other than the endpoint's, and with them
// requests across accounts (CaseEvaluator never allows those); access control
// lists; role trust policies; principals of endpoint policies that are services,
// federated or canonical users, which never match.
//
// # Unknown
//
// A key is known, known to be absent, or unknown; a layer can be unreadable, and
// then may hold any statement. The verdict is Unknown exactly when one completion
// of what is unknown allows and another denies. To find out, unknown keys are given
// one value of every class that the undecided statements tell apart: texts by
// automata built from the patterns, numbers, dates and addresses by the ranges
// between thresholds, lists by the combinations of their values. Keys whose values
// AWS documents to have one form (booleans, numbers, dates, addresses, account
// numbers and some more, listed in solve_forms.go) take such values only, and only keys
// documented as multivalued, or used with set operators and not documented, take
// lists. Where this is not exact (two unknown keys compared without regard to case
// or within patterns, one key compared as text and as number or address) or takes
// more than searchBudget steps, the verdict stays
// Unknown unless the completions already differ. When all completions deny, some
// explicitly and some not, the verdict is ImplicitDeny.
//
// An example: a Deny if aws:SourceIp is not in 10.0.0.0/8, an Allow if
// aws:SourceIp is in 10.1.0.0/16, and the address is not known. The thresholds tell
// three classes apart: in 10.1.0.0/16 (allowed), elsewhere in 10.0.0.0/8 (implicitly
// denied), elsewhere (explicitly denied); absence is a fourth (explicitly denied). One
// address of each is tried; since one allows and another denies, the verdict is Unknown,
// and it depends on aws:SourceIp. If the Deny were for every address in 10.0.0.0/8, no
// class would allow, and the verdict would be ImplicitDeny.
// The search is in solve.go, what it tries for a key in solve_candidates.go, numbers,
// dates and addresses in solve_scalars.go, texts in the package automata. The search is no
// room of its own: it tries values on the compiled statements themselves, whose patterns,
// conditions and variables no other package may see.
//
// # Speed
//
// Processor time of go test -bench, go1.26, on a shared virtual machine with two
// cores of an Intel Xeon; eval's rate with both:
//
//	ten statements                           0.7 µs, no allocation
//	managed policy of 6144 characters        0.9 µs, no allocation
//	1000 statements                           16 µs, no allocation
//	64 "*" against an ARN of 2048 characters 1.4 µs
//	slowest of BenchmarkWildcards             78 µs
//	cases in bulk (cmd/internal/check)       190,000 cases a second
//
// # Proof
//
// testdata/eval holds cases with the answers of an independent implementation and of
// AWS's documentation; .ci/differential compares 200,000 random cases with that
// implementation; .ci/fuzz runs the fuzz targets. Tests try unknown keys by brute
// force and compare the evaluator with a second, simple one.
package policy
