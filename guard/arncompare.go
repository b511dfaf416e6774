package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// The fields of an ARN.
const (
	FieldPartition = 1
	FieldService   = 2
	FieldRegion    = 3
	FieldAccount   = 4
	FieldResource  = 5
)

// CompareARN returns the fields in which a pattern does not match an ARN. It
// only serves to say what is wrong; whether a pattern matches is for the
// evaluator to tell.
func CompareARN(pattern, arn string) []int {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	var diff []int
	for i := 1; i < len(a); i++ {
		field := "*"
		if i < len(p) {
			field = p[i]
		}
		if i == FieldRegion && a[i] == anyRegion {
			continue // in whatever region
		}
		if !policy.Wild(field, a[i]) {
			diff = append(diff, i)
		}
	}
	return diff
}

// MatchesNothing reports whether a pattern for documents can match none at all:
// AWS's own have no account id in their ARN, all others have one.
func MatchesNothing(pattern string) bool {
	name := strings.TrimPrefix(ArnField(pattern, FieldResource), "document/")
	if i := strings.IndexAny(name, "*?$"); i >= 0 {
		name = name[:i]
	}
	account := ArnField(pattern, FieldAccount)
	aws := slices.ContainsFunc(awsPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	if account == "" {
		return !aws && !slices.ContainsFunc(awsPrefixes, func(p string) bool { return strings.HasPrefix(p, name) })
	}
	return aws && !strings.ContainsAny(account, "*?")
}

// AccountSlip reports whether a pattern is a document's ARN but for the account
// field: it names an account where AWS owns the document, or none where an account
// does, and so matches nothing.
func AccountSlip(pattern, arn string) bool {
	account, wrote := ArnField(arn, FieldAccount), ArnField(pattern, FieldAccount)
	return ResourceType(pattern) == "document" && !strings.Contains(pattern, "${") && (account == "" || wrote == "") &&
		slices.Equal(CompareARN(pattern, arn), []int{FieldAccount}) && MatchesNothing(pattern)
}

// ResourceType returns what an ARN or pattern is about: "instance",
// "managed-instance", "task", "document", "session", "key"; "*" when the pattern
// leaves it open.
func ResourceType(arn string) string {
	resource := ArnField(arn, FieldResource)
	if resource == "" {
		return "*"
	}
	kind, _, _ := strings.Cut(resource, "/")
	if strings.ContainsAny(kind, "*?") {
		return "*"
	}
	return kind
}

// ArnName is the part of an ARN by which people know the thing.
func ArnName(arn string) string {
	resource := ArnField(arn, FieldResource)
	if resource == "" {
		return arn
	}
	kind, name, ok := strings.Cut(resource, "/")
	if !ok || kind == "task" || kind == "cluster" || kind == "session" || kind == "key" || kind == "alias" || strings.HasPrefix(name, "*") {
		return resource
	}
	return name
}

// TypeName names a pattern's type of resource, TypeNameOne an ARN's.
func TypeName(pattern string) string {
	service := ArnField(pattern, FieldService)
	switch kind := ResourceType(pattern); {
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

// TypeNameOne names an ARN's type of resource and its service, as a clause.
func TypeNameOne(arn string) string {
	switch ResourceType(arn) {
	case "managed-instance":
		return "a managed node, a resource of ssm"
	case "task":
		return "a task, a resource of ecs"
	}
	return "an EC2 instance, a resource of ec2"
}

var fieldNames = map[int]string{FieldPartition: "partition", FieldService: "service", FieldRegion: "region", FieldAccount: "account"}

// PlaceText says which of partition, region and account differ.
func PlaceText(pattern, arn string, diff []int) string {
	var said []string
	for _, i := range diff {
		if wrote := ArnField(pattern, i); fieldNames[i] != "" && wrote == "" {
			said = append(said, "without "+fieldNames[i]+", and it is in "+ArnField(arn, i))
		} else if fieldNames[i] != "" {
			said = append(said, "in "+fieldNames[i]+" "+ArnField(pattern, i)+", and it is in "+ArnField(arn, i))
		}
	}
	return Join(said, "and")
}
