package lint

import (
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/spelling"
)

// resources looks for ARNs that match nothing, and for actions that no ARN of the statement
// is for.
func (l *statement) resources() {
	patterns := slices.Concat(l.draft.Resource, l.draft.NotResource)
	reported := make(map[string]bool)
	for _, pattern := range patterns {
		if code, why := l.resourceFault(pattern); why != "" {
			reported[pattern] = true
			level := guard.Error
			if code == "SG302" { // AWS's own samples have it
				level = guard.Warning
			}
			l.add(code, level, either(len(l.draft.NotResource) > 0, "Resource", pattern), "%s matches nothing: %s", pattern, why)
		}
	}
	if len(l.draft.NotResource) > 0 || slices.Contains(patterns, "*") {
		return
	}
	reaching := make(map[string]bool) // the patterns that some action of the statement reaches
	for _, a := range l.covered {
		for _, pattern := range patterns {
			if a.takes(pattern) {
				reaching[pattern] = true
			}
		}
	}
	for _, name := range l.draft.Action {
		all := l.ref.matching(name)
		if len(all) == 0 || strings.HasPrefix(strings.ToLower(name), "ssmmessages:") {
			continue // what AWS checks the data channel's actions on is not documented
		}
		if slices.ContainsFunc(all, func(a action) bool { return len(a.types) > 0 }) {
			takes := func(a action) bool { return slices.ContainsFunc(patterns, a.takes) }
			if !slices.ContainsFunc(all, takes) && !slices.ContainsFunc(patterns, func(p string) bool { return reported[p] }) {
				l.add("SG004", guard.Error, source.Part{Element: "Action", Value: name}, "%s %s on nothing: the statement names none of what it is for, %s", l.verb(), name, kinds(all))
			}
			continue
		}
		l.add("SG005", guard.Error, source.Part{Element: "Action", Value: name}, "%s %s on nothing: it is no action on a resource, so that only \"*\" covers it", l.verb(), name)
	}
	known := l.whole && len(l.covered) > 0 && !slices.ContainsFunc(l.covered, func(a action) bool { return !a.service.hasKeys })
	for _, pattern := range patterns {
		if known && !reaching[pattern] && !reported[pattern] && len(reaching) > 0 {
			l.add("SG004", guard.Error, source.Part{Element: "Resource", Value: pattern}, "%s matches nothing: no action of the statement is for such a resource", pattern)
		}
	}
}

// kinds lists the kinds of resources that actions take, a few of them.
func kinds(all []action) string {
	const most = 4
	var names []string
	for _, a := range all {
		for _, name := range a.types {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) > most {
		names = append(names[:most], "others")
	}
	return guard.Join(names, "or")
}

// takes reports whether an action has resources that a pattern may match.
func (a action) takes(pattern string) bool {
	return slices.ContainsFunc(a.arns(), func(arn string) bool { return meets(pattern, arn) })
}

// meets reports whether a pattern of a policy may match the ARN of some resource of a kind.
// Short ARNs are completed, and variables may be anything.
func meets(pattern, arn string) bool {
	pattern = guard.ReplaceVariables(pattern, func(string) string { return "*" })
	pattern, _, _ = strings.Cut(pattern, "${") // one that is not closed
	fields := strings.SplitN(pattern, ":", 6)
	for i := range min(len(fields), guard.FieldResource) {
		fields[i] = strings.ToLower(fields[i])
	}
	if len(fields) <= guard.FieldResource { // a star passes colons, and what is left out is anything
		whole := strings.Join(fields, ":") + strings.Repeat(":*", guard.FieldResource+1-len(fields))
		return overlap(whole, arn) || strings.HasSuffix(whole, "*") && overlap(strings.Join(fields, ":"), arn)
	}
	for i, of := range strings.SplitN(arn, ":", 6) {
		if !overlap(fields[i], of) {
			return false
		}
	}
	return true
}

// resourceFault says why a pattern matches nothing whatever the action, "" if it may match.
func (l *statement) resourceFault(pattern string) (code guard.Code, why string) {
	field := func(i int) string { return guard.ArnField(pattern, i) }
	literal := func(text string) bool { return text != "" && !strings.ContainsAny(text, "*?$") }
	region, account, partition := field(guard.FieldRegion), field(guard.FieldAccount), field(guard.FieldPartition)
	resource := field(guard.FieldResource)
	for _, left := range []string{"$${", "&{"} {
		if strings.Contains(pattern, left) {
			return "SG304", left + "...} is Terraform's, IAM's variables are written ${...}"
		}
	}
	if literal(region) && !slices.Contains(guard.AllRegions(), region) {
		if near := spelling.Nearest(region, guard.AllRegions()); near != "" {
			return "SG004", "no region is called " + region + meant(near)
		}
	}
	if literal(region) && literal(partition) && guard.PartitionOf(region) != partition {
		return "SG004", "the region " + region + " is in the partition " + guard.PartitionOf(region) + ", not in " + partition
	}
	if literal(account) && strings.Trim(account, "0123456789") == "" && len(account) != 12 {
		return "SG004", account + " is no account, which has 12 digits"
	}
	service := l.ref.services[strings.ToLower(field(guard.FieldService))]
	if service == nil {
		return "", ""
	}
	if strings.HasPrefix(resource, "document/") && service.name == "ssm" && guard.MatchesNothing(pattern) && !strings.Contains(account, "$") {
		name := strings.ToLower(strings.TrimPrefix(resource, "document/"))
		switch {
		case account == "" && (strings.HasPrefix(name, "aws") || strings.HasPrefix(name, "amazon")):
			return "", "" // of a service of AWS's
		case account == "":
			return "SG103", "the document belongs to an account, and the ARN names none"
		}
		return "SG102", "AWS owns the document, whose ARN names no account"
	}
	if strings.HasPrefix(resource, "session/${aws:userid}") {
		return "SG302", "session ids begin with the name of the user or of the role's session"
	}
	if !l.exists(pattern) {
		return "SG004", l.meantResource(service, resource)
	}
	return "", ""
}

// exists reports whether a pattern may match a resource of any listed service.
func (l *statement) exists(pattern string) bool {
	for _, s := range l.ref.services {
		for _, t := range s.types {
			if meets(pattern, t.arn) {
				return true
			}
		}
	}
	return false
}

// meantResource says what is wrong with the resource part of an ARN of a service.
func (l *statement) meantResource(s *service, resource string) string {
	end := strings.IndexAny(resource, "/:")
	head := resource
	if end >= 0 {
		head = resource[:end]
	}
	own := func(s *service) []string {
		var heads []string
		for _, t := range s.types {
			if guard.ArnField(t.arn, guard.FieldService) == s.name {
				head, _, _ := strings.Cut(guard.ArnField(t.arn, guard.FieldResource), "/")
				heads = append(heads, head)
			}
		}
		slices.Sort(heads)
		return slices.Compact(heads)
	}
	switch {
	case resource == "":
		return s.name + " has no resource without a type and a name, as in " + guard.Join(own(s), "or")
	case slices.Contains(own(s), head) && end >= 0 && resource[end] == ':':
		return "a slash belongs behind " + head + ", not a colon"
	case slices.Contains(own(s), head):
		return "a resource of the type " + head + " is written otherwise"
	}
	for _, other := range slices.Sorted(maps.Keys(l.ref.services)) {
		if o := l.ref.services[other]; o != s && slices.Contains(own(o), head) {
			return s.name + " has no " + head + ", which is a resource of " + other
		}
	}
	if len(own(s)) == 0 {
		return s.name + " has no resources"
	}
	return s.name + " has no resource of the type " + head + meant(spelling.Nearest(head, own(s)))
}
