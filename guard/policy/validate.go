package policy

import (
	"fmt"
	"strings"
)

// The checks here follow what IAM's CreatePolicy answers with
// MalformedPolicyDocument; each message of IAM stands beside its check.

// actionFault says why IAM refuses an action pattern, "" when it does not.
func actionFault(text string) string {
	vendor, _, found := strings.Cut(text, ":")
	switch {
	case text == "*":
		return ""
	case !found: // Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.
		return fmt.Sprintf("the action %q has no service prefix", text)
	case strings.Count(text, ":") > 1: // Actions/Condition can contain only one colon.
		return fmt.Sprintf("the action %q has more than one colon", text)
	case vendor != "*" && (vendor == "" || strings.ContainsFunc(vendor, notVendor)): // Vendor ... is not valid
		return fmt.Sprintf("%q is not a service prefix", vendor)
	}
	return ""
}

func notVendor(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.')
}

// iamPaths are the beginnings IAM requires of the resource part of its own ARNs.
var iamPaths = [...]string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
	"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// resourceFault says why IAM refuses a resource pattern, "" when it does not.
func resourceFault(text string) string {
	if text == "*" {
		return ""
	}
	rest, ok := strings.CutPrefix(text, "arn:")
	if !ok { // Resource ... must be in ARN format or "*".
		return fmt.Sprintf("the resource %q is neither an ARN nor \"*\"", text)
	}
	partition, rest, found := strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	switch {
	case partition != "*" && !strings.HasPrefix(partition, "aws"): // Partition "..." is not valid for resource "..."
		return fmt.Sprintf("%q is not a partition of AWS", partition)
	case !found || strings.ContainsAny(service, "*?"): // Resource vendor must be fully qualified and cannot contain regexes.
		return fmt.Sprintf("the service of %q must be named, without wildcards", text)
	case service == "" || strings.Contains(text, "::") && strings.Count(text, ":") < 5: // The policy failed legacy parsing
		return fmt.Sprintf("the ARN %q is not complete", text)
	}
	region, path := rest, ""
	if i := strings.IndexByte(rest, ':'); i >= 0 {
		region = rest[:i]
		_, path, _ = strings.Cut(rest[i+1:], ":")
	}
	return regionFault(text, service, region, path)
}

// regionFault checks the ARNs of the services without regions.
func regionFault(text, service, region, path string) string {
	named := region != "" && !strings.ContainsAny(region, "*?")
	switch {
	case service == "iam" && named: // IAM resource ... cannot contain region information.
		return fmt.Sprintf("the ARN %q names a region, IAM has none", text)
	case service == "s3" && named && !strings.HasPrefix(path, "accesspoint/"): // Resource ... can not contain region information.
		return fmt.Sprintf("the ARN %q names a region, S3's have none", text)
	case service == "iam" && path != "" && path != "root" && !strings.HasPrefix(path, "*") && !iamPath(path):
		// IAM resource path must either be "*" or start with user/, federated-user/, ...
		return fmt.Sprintf("the ARN %q names no resource type of IAM", text)
	}
	return ""
}

func iamPath(path string) bool {
	for _, prefix := range iamPaths {
		if strings.HasPrefix(path, prefix) || strings.ContainsAny(path[:min(len(path), len(prefix))], "*?$") {
			return true
		}
	}
	return false
}

// sizeLimit is what AWS says of documents longer than so many characters, white
// space not counted: docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
type sizeLimit struct {
	characters int
	meaning    string
}

// sizeLimits lists the limits of each kind, the largest first. The inline policies
// of one role, group or user share one limit: a single document can only show
// that it is past it.
var sizeLimits = [...][]sizeLimit{
	Identity: {
		{10240, "AWS takes at most 10240"},
		{6144, "only an inline policy of a role may have more than 6144"},
		{5120, "only a managed policy or one of a role may have more than 5120"},
		{2048, "an inline policy of a user may have at most 2048"},
	},
	Boundary: {{6144, "AWS takes at most 6144"}},
	Session:  {{2048, "AWS takes at most 2048"}},
	SCP:      {{10240, "AWS takes at most 10240"}},
	RCP:      {{5120, "AWS takes at most 5120"}},
	Endpoint: {{20480, "AWS takes at most 20480"}},
}

func (p *parser) sizeWarnings(text []byte) {
	n := 0
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' && c&0xC0 != 0x80 {
			n++
		}
	}
	for _, limit := range sizeLimits[p.kind] {
		if n > limit.characters {
			p.warnings = append(p.warnings, Warning{Source: p.source, Msg: fmt.Sprintf("the document has %d characters: %s", n, limit.meaning)})
			return
		}
	}
}

// warn records a remark on the place at.
func (p *parser) warn(at int, msg string) {
	if !p.lines || p.Failed() {
		return
	}
	line, column := p.Place(at)
	p.warnings = append(p.warnings, Warning{Source: p.source, Line: line, Column: column, Msg: msg})
}

// versionWarning remarks on variables that the document's version does not have.
func (p *parser) versionWarning(s *Statement) {
	if !p.lines || s.variables {
		return
	}
	literal := false
	for i := range s.resources {
		literal = literal || strings.Contains(s.resources[i].text, "${")
	}
	for i := range s.conditions {
		for j := range s.conditions[i].values {
			literal = literal || strings.Contains(s.conditions[i].values[j].text, "${")
		}
	}
	if literal {
		p.warn(s.offset, "\"${\" is plain text here: policy variables need Version 2012-10-17")
	}
}
