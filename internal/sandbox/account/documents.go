package account

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/internal/sandbox/world"
)

// documentsJSON holds the documents AWS owns, as far as sessions use them.
//
//go:embed documents.json
var documentsJSON []byte

const defaultDocument = "SSM-SessionManagerRunShell"

// awsDocuments are the documents AWS owns; they exist in every region.
var awsDocuments = sync.OnceValue(func() []world.Document {
	var contents map[string]struct {
		Type    string
		Content json.RawMessage
	}
	if err := json.Unmarshal(documentsJSON, &contents); err != nil {
		panic(err) // the embedded file is part of the program
	}
	var all []world.Document
	for _, name := range sortedKeys(contents) {
		all = append(all, world.Document{Name: name, Type: contents[name].Type, Content: string(contents[name].Content)})
	}
	return all
})

// ownedByAWS reports whether a document name is one of AWS's: accounts cannot
// make documents whose names begin so.
func ownedByAWS(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"aws-", "amazon", "awsec2-", "awsconfigremediation-", "awssupport-"}, func(p string) bool { return strings.HasPrefix(lower, p) })
}

// document finds a document by name or ARN in the region of the call.
func (c *call) document(name string) *world.Document {
	list := c.world.Documents
	if ownedByAWS(name) {
		list = awsDocuments()
	}
	for i := range list {
		d := &list[i]
		here := ownedByAWS(d.Name) || orElse(d.Region, c.world.Region) == c.region
		if here && (d.Name == name && (ownedByAWS(name) || documentOwner(d, c.world) == c.world.Account) || c.arnOf(d) == name) {
			return d
		}
	}
	return nil
}

func documentOwner(d *world.Document, w world.World) string { return orElse(d.Account, w.Account) }

// arnOf is the document's ARN in the region of the call.
func (c *call) arnOf(d *world.Document) string {
	if ownedByAWS(d.Name) {
		return c.documentARN(c.region, d.Name)
	}
	return strings.Join([]string{"arn", c.world.Partition, "ssm", c.region, documentOwner(d, c.world), "document/" + d.Name}, ":")
}

func documentType(d *world.Document) string { return orElse(d.Type, "Session") }

// sessionContent is the part of a Session document that shapes a session.
type sessionContent struct {
	SchemaVersion string                  `json:"schemaVersion"`
	Description   string                  `json:"description"`
	SessionType   string                  `json:"sessionType"`
	Inputs        map[string]any          `json:"inputs"`
	Parameters    map[string]documentParm `json:"parameters"`
	Properties    any                     `json:"properties"`
}

type documentParm struct {
	Type           string   `json:"type"`
	Description    string   `json:"description"`
	Default        any      `json:"default"`
	AllowedPattern string   `json:"allowedPattern"`
	AllowedValues  []string `json:"allowedValues"`
}

// builtinContent is what a default session does while its document has never been made.
const builtinContent = `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{}}`

func parseContent(text string) (sessionContent, error) {
	var s sessionContent
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("document content: %w", err)
	}
	return s, nil
}

// bind checks the parameters of a request against the document's and returns
// every parameter with its value, defaults included.
func (s sessionContent) bind(given map[string][]string) (map[string]string, error) {
	for _, name := range sortedKeys(given) {
		if _, ok := s.Parameters[name]; !ok {
			return nil, refuse("InvalidParameters", "Parameter %q is not defined in the document.", name)
		}
	}
	bound := make(map[string]string)
	for _, name := range sortedKeys(s.Parameters) {
		p := s.Parameters[name]
		values, ok := given[name]
		switch {
		case !ok && p.Default == nil:
			return nil, refuse("InvalidParameters", "Parameter %q requires a value.", name)
		case !ok:
			values = []string{fmt.Sprint(p.Default)}
		case len(values) != 1 && p.Type != "StringList":
			return nil, refuse("InvalidParameters", "Parameter %q takes one value.", name)
		}
		value := strings.Join(values, " ")
		if ok && !p.accepts(value) {
			return nil, refuse("InvalidParameters", "Parameter %q has the value %q, which does not match its allowed pattern or values.", name, value)
		}
		bound[name] = value
	}
	return bound, nil
}

func (p documentParm) accepts(value string) bool {
	if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, value) {
		return false
	}
	if p.AllowedPattern == "" {
		return true
	}
	form, err := regexp.Compile(p.AllowedPattern)
	return err != nil || form.MatchString(value)
}

var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]+)\s*\}\}`) })

// expand puts parameter values in place of their references, anywhere in a value.
func expand(value any, bound map[string]string) any {
	switch v := value.(type) {
	case string:
		return reference().ReplaceAllStringFunc(v, func(r string) string {
			return bound[reference().FindStringSubmatch(r)[1]]
		})
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = expand(x, bound)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = expand(x, bound)
		}
		return out
	}
	return value
}
