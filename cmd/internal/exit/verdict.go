package exit

import "ssmguard/guard/policy"

// VerdictStatus returns check's exit code for a verdict.
func VerdictStatus(v policy.Verdict) error {
	switch {
	case v == policy.Allow:
		return nil
	case v.Denies():
		return EndWith(exitCheckDenied)
	default:
		return EndWith(exitUndecided)
	}
}

// Faulty ends lint when it found a fault, which it has told.
func Faulty() error { return EndWith(exitCheckDenied) }
