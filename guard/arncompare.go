package guard

import (
	"slices"
	"strings"
)

// The fields of an ARN.
const (
	fieldPartition = 1
	fieldService   = 2
	fieldRegion    = 3
	fieldAccount   = 4
	fieldResource  = 5
)

// compareARN returns the fields in which a pattern does not match an ARN. It
// only serves to say what is wrong; whether a pattern matches is for the
// evaluator to tell.
func compareARN(pattern, arn string) []int {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	var diff []int
	for i := 1; i < len(a); i++ {
		field := "*"
		if i < len(p) {
			field = p[i]
		}
		if !wild(field, a[i]) {
			diff = append(diff, i)
		}
	}
	return diff
}

// wild matches * and ?, going back to the last star only.
func wild(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchesNothing tells whether a pattern for documents can match none at all:
// AWS's own have no account id in their ARN, all others have one.
func matchesNothing(pattern string) bool {
	name := strings.TrimPrefix(arnField(pattern, fieldResource), "document/")
	if i := strings.IndexAny(name, "*?$"); i >= 0 {
		name = name[:i]
	}
	account := arnField(pattern, fieldAccount)
	aws := slices.ContainsFunc(awsPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	if account == "" {
		return !aws && !slices.ContainsFunc(awsPrefixes, func(p string) bool { return strings.HasPrefix(p, name) })
	}
	return aws && !strings.ContainsAny(account, "*?")
}

// accountSlip reports whether a pattern is a document's ARN but for the account
// field: it names an account where AWS owns the document, or none where an account
// does, and so matches nothing.
func accountSlip(pattern, arn string) bool {
	account, wrote := arnField(arn, fieldAccount), arnField(pattern, fieldAccount)
	return resourceType(pattern) == "document" && !strings.Contains(pattern, "${") && (account == "" || wrote == "") &&
		slices.Equal(compareARN(pattern, arn), []int{fieldAccount}) && matchesNothing(pattern)
}

// resourceType returns what an ARN or pattern is about: "instance",
// "managed-instance", "task", "document", "session", "key"; "*" when the pattern
// leaves it open.
func resourceType(arn string) string {
	resource := arnField(arn, fieldResource)
	if resource == "" {
		return "*"
	}
	kind, _, _ := strings.Cut(resource, "/")
	if strings.ContainsAny(kind, "*?") {
		return "*"
	}
	return kind
}

// relevant tells whether a pattern is about the kind of thing the grant is
// about. A grant for documents is no near miss of a target.
func (q inquiry) relevant(pattern string) bool {
	kind, service := resourceType(pattern), arnField(pattern, fieldService)
	switch q.about {
	case aboutDocument:
		return kind == "document" || kind == "*" && wild(service, "ssm")
	case aboutTarget:
		return kind == "instance" || kind == "managed-instance" || kind == "task" || kind == "*"
	case aboutKey:
		return service == "kms" || service == "*"
	case aboutTask:
		return kind == "task" || kind == "cluster" || kind == "*" && wild(service, "ecs")
	}
	return kind == "session" || kind == "*" && wild(service, "ssm")
}

// arnName is the part of an ARN by which people know the thing.
func arnName(arn string) string {
	resource := arnField(arn, fieldResource)
	if resource == "" {
		return arn
	}
	kind, name, ok := strings.Cut(resource, "/")
	if !ok || kind == "task" || kind == "cluster" || kind == "session" || kind == "key" || kind == "alias" || strings.HasPrefix(name, "*") {
		return resource
	}
	return name
}

// typeName names a pattern's type of resource, typeNameOne an ARN's.
func typeName(pattern string) string {
	service := arnField(pattern, fieldService)
	switch kind := resourceType(pattern); {
	case kind == "instance" && service == "ssm":
		return "arn:aws:ssm:...:instance/..., which exists nowhere"
	case kind == "instance":
		return "EC2 instances"
	case kind == "managed-instance":
		return "managed nodes (mi-)"
	case kind == "task":
		return "ECS tasks"
	}
	return "resources of " + service + " only"
}

func typeNameOne(arn string) string {
	switch resourceType(arn) {
	case "managed-instance":
		return "a managed node, a resource of ssm"
	case "task":
		return "a task, a resource of ecs"
	}
	return "an EC2 instance, a resource of ec2"
}

var fieldNames = map[int]string{fieldPartition: "partition", fieldService: "service", fieldRegion: "region", fieldAccount: "account"}

// placeText says which of partition, region and account differ.
func placeText(pattern, arn string, diff []int) string {
	var said []string
	for _, i := range diff {
		if fieldNames[i] != "" {
			said = append(said, "in "+fieldNames[i]+" "+arnField(pattern, i)+", and it is in "+arnField(arn, i))
		}
	}
	return join(said, "and")
}
