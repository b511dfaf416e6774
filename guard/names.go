package guard

import (
	"slices"
	"strings"

	"ssmguard/internal/spelling"
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Made reports whether a text is made of letters, digits and some other characters
// alone, and is not empty.
func Made(text, others string) bool {
	return text != "" && strings.Trim(text, letters+others) == ""
}

// IsRegion reports whether a text has the form of a region's name: a wildcard in it
// would be one in a policy, and nothing there can take its meaning away.
func IsRegion(text string) bool { return Made(text, "-") }

// documentNamed reports whether a name has the form of a document's:
// docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
func documentNamed(name string) bool { return Made(name, "_-.") }

// Literal returns an ARN as a policy has to write it to mean that one thing: what
// would be a wildcard or a variable in its last field stands for itself.
func Literal(arn string) string {
	resource := ArnField(arn, FieldResource)
	if resource == "*" || !strings.ContainsAny(resource, "*?$") {
		return arn
	}
	return strings.TrimSuffix(arn, resource) + strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(resource)
}

// meantDocument returns the session document that a name is most likely a slip of, ""
// when it is none. A name that goes on after that of a document is one of its own.
func meantDocument(name string) string {
	for _, known := range append([]string{DefaultDocument, PasswordReset}, KnownDocuments[1:]...) {
		far := 2
		if reserved(name) {
			far = 3 // no account has such a name, so that it is more likely a slip
		}
		if d := spelling.Distance(name, known); d > 0 && d <= far && !strings.HasPrefix(name, known) {
			return known
		}
	}
	return ""
}

// reserved reports whether only AWS can give a document this name.
func reserved(name string) bool {
	return slices.ContainsFunc(awsPrefixes, func(p string) bool { return len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) })
}
