package guard

// diagnose says, grant by grant, what is missing and why.
func diagnose(d Decision) []Finding {
	var fs []Finding
	for _, g := range d.Grants {
		m := d.Of(g.ID)
		switch m.Verdict {
		case 0:
			fs = append(fs, undecided(d, g, m)...)
		}
	}
	return fs
}
