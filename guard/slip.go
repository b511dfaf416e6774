package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
	"ssmguard/internal/spelling"
)

// SlipKind is what is written wrongly in a statement.
type SlipKind int

// The slips in an ARN.
const (
	NoSlip        SlipKind = iota
	TerraformSlip          // &{...} or $${...} was left where IAM has ${...}
	ShortSlip              // fields before the resource are left out, and their colons
	ColonSlip              // a colon stands where a slash belongs
	TypeSlip               // the type of the resource is misspelt
	NameSlip               // the document's name is misspelt
	PlaceSlip              // the partition is another, or the region or account is left out
	ServiceSlip            // the type is one of another service
)

// Slip is what is written wrongly in an ARN of a policy.
type Slip struct {
	Kind           SlipKind
	Wrote, Correct string // the part of the ARN that is wrong, and what it should be
	Pattern        string // the whole ARN with that; "" where what was meant is not certain
}

// farthestSlip is how many letters a slip of the pen may take.
const farthestSlip = 2

// NearAction reports whether an action of a policy is one that is meant, but for a slip of
// the pen. Nothing that is an action is as near to one of a session.
func NearAction(wrote, action string) bool {
	return !strings.ContainsAny(wrote, "*?$") && !strings.EqualFold(wrote, action) && spelling.Distance(wrote, action) <= farthestSlip
}

// ResourceSlip returns what is written wrongly in an ARN of a policy that would cover a
// resource otherwise.
func ResourceSlip(pattern, arn string) Slip {
	for _, left := range []string{"$${", "&{"} {
		if strings.Contains(pattern, left) {
			return Slip{TerraformSlip, left, "${", strings.ReplaceAll(pattern, left, "${")}
		}
	}
	kind := ResourceType(arn)
	name := strings.TrimPrefix(ArnField(arn, FieldResource), kind+"/")
	fields, real := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(real) < 6 {
		return Slip{}
	}
	with := func(kind SlipKind, field int, correct string) Slip {
		changed := slices.Clone(fields)
		changed[field] = correct
		return Slip{kind, fields[field], correct, strings.Join(changed, ":")}
	}
	if len(fields) < 6 {
		last := fields[len(fields)-1]
		if len(fields) <= FieldService || !strings.HasPrefix(last, kind+"/") || !policy.Wild(strings.TrimPrefix(last, kind+"/"), name) {
			return Slip{}
		}
		return Slip{ShortSlip, last, last, strings.Join([]string{"arn", real[FieldPartition], real[FieldService], "*", real[FieldAccount], last}, ":")}
	}
	resource := fields[FieldResource]
	rest, colon := strings.CutPrefix(resource, kind+":")
	wrote, after, slash := strings.Cut(resource, "/")
	switch {
	case colon && policy.Wild(rest, name):
		return with(ColonSlip, FieldResource, kind+"/"+rest)
	case slash && wrote != kind && !strings.ContainsAny(wrote, "*?") && !resourceTypes[wrote] && spelling.Distance(wrote, kind) <= farthestSlip && policy.Wild(after, name):
		s := with(TypeSlip, FieldResource, kind+"/"+after)
		s.Wrote, s.Correct = wrote, kind
		return s
	case slash && wrote == kind && kind == "document" && !strings.ContainsAny(after, "*?$") && after != name && spelling.Distance(after, name) <= farthestSlip && !strings.HasPrefix(after, name):
		s := with(NameSlip, FieldResource, kind+"/"+name)
		s.Wrote, s.Correct = after, name
		if !reserved(after) || slices.Contains(KnownDocuments, after) {
			s.Pattern = "" // the account may have a document of this name
		}
		return s
	}
	return placeSlip(pattern, arn)
}

// placeSlip finds what keeps a pattern from every resource of its type, wherever that is.
func placeSlip(pattern, arn string) Slip {
	fields, real := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	diff := CompareARN(pattern, arn)
	if kind := ResourceType(arn); slices.Equal(diff, []int{FieldService}) && kind == "instance" && ResourceType(pattern) == kind && fields[FieldService] == "ssm" {
		fields[FieldService] = real[FieldService]
		return Slip{ServiceSlip, "ssm", real[FieldService], strings.Join(fields, ":")}
	}
	var wrote, correct []string
	for _, i := range diff {
		switch {
		case i == FieldPartition, i == FieldAccount && fields[i] == "" && ResourceType(arn) != "document":
			wrote, correct = append(wrote, fields[i]), append(correct, real[i])
			fields[i] = real[i]
		case i == FieldRegion && fields[i] == "":
			wrote, correct = append(wrote, ""), append(correct, "*")
			fields[i] = "*"
		default:
			return Slip{} // it may be meant so
		}
	}
	if len(wrote) == 0 {
		return Slip{}
	}
	return Slip{PlaceSlip, strings.Join(wrote, " "), strings.Join(correct, " "), strings.Join(fields, ":")}
}

// resourceTypes are the types of resources that sessions have to do with.
var resourceTypes = map[string]bool{"instance": true, "managed-instance": true, "task": true, "document": true, "session": true, "key": true, "cluster": true}
