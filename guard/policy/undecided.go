package policy

// undecided settles what the three-valued result alone does not.
func (e *Evaluator) undecided(r *request, a *Answer) {
	if e.allowed() == no {
		a.Verdict = ImplicitDeny
	}
}
