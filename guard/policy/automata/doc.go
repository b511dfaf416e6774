// Package automata says which texts several patterns tell apart: every pattern is an
// automaton, and Classes finds one text for each combination of those that accept it. It
// knows nothing of policies, and takes no more steps than it is given. Start with NFA in
// nfa.go; form.go has how the values of a key may look.
package automata
