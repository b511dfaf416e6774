package account

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/internal/sandbox/api"
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
	for _, name := range api.SortedKeys(contents) {
		all = append(all, world.Document{Name: name, Type: contents[name].Type, Content: string(contents[name].Content)})
	}
	return all
})

// document finds a document by name or ARN in the region of the call.
func findDocument(c *api.Request, name string) *world.Document {
	list := c.World.Documents
	if api.OwnedByAWS(name) {
		list = awsDocuments()
	}
	for i := range list {
		d := &list[i]
		here := api.OwnedByAWS(d.Name) || api.OrElse(d.Region, c.World.Region) == c.Region
		if here && (d.Name == name && (api.OwnedByAWS(name) || documentOwner(d, c.World) == c.World.Account) || arnOf(c, d) == name) {
			return d
		}
	}
	return nil
}

func documentOwner(d *world.Document, w world.World) string { return api.OrElse(d.Account, w.Account) }

// arnOf is the document's ARN in the region of the call.
func arnOf(c *api.Request, d *world.Document) string {
	if api.OwnedByAWS(d.Name) {
		return c.DocumentARN(c.Region, d.Name)
	}
	return strings.Join([]string{"arn", c.World.Partition, "ssm", c.Region, documentOwner(d, c.World), "document/" + d.Name}, ":")
}

func documentType(d *world.Document) string { return api.OrElse(d.Type, "Session") }

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

// builtinContent is the content of the default document while the account has none.
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
	for _, name := range api.SortedKeys(given) {
		if _, ok := s.Parameters[name]; !ok {
			return nil, api.Refuse("InvalidParameters", "Parameter %q is not defined in the document.", name)
		}
	}
	bound := make(map[string]string)
	for _, name := range api.SortedKeys(s.Parameters) {
		p := s.Parameters[name]
		values, ok := given[name]
		switch {
		case !ok && p.Default == nil:
			return nil, api.Refuse("InvalidParameters", "Parameter %q requires a value.", name)
		case !ok:
			values = []string{fmt.Sprint(p.Default)}
		case len(values) != 1 && p.Type != "StringList":
			return nil, api.Refuse("InvalidParameters", "Parameter %q takes one value.", name)
		}
		value := strings.Join(values, " ")
		if ok && !p.accepts(value) {
			return nil, api.Refuse("InvalidParameters", "Parameter %q has the value %q, which does not match its allowed pattern or values.", name, value)
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
