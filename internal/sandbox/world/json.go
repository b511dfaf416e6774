package world

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// deepest is how far JSON may be indented, in columns.
const deepest = 200

// nodeJSON writes a YAML value as indented JSON. Keys keep their order, so that lines
// and statement numbers match the YAML file.
func nodeJSON(n *yaml.Node, indent string) (string, error) {
	inner := indent + "  "
	if len(inner) > deepest {
		return "", fmt.Errorf("line %d: a document in itself, by its anchor, or one too deep", n.Line)
	}
	var parts []string
	switch n.Kind {
	case yaml.AliasNode:
		return nodeJSON(n.Alias, indent)
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			key, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return "", err
			}
			value, err := nodeJSON(n.Content[i+1], inner)
			if err != nil {
				return "", err
			}
			parts = append(parts, string(key)+": "+value)
		}
		return brackets("{", parts, "}", indent), nil
	case yaml.SequenceNode:
		for _, item := range n.Content {
			value, err := nodeJSON(item, inner)
			if err != nil {
				return "", err
			}
			parts = append(parts, value)
		}
		return brackets("[", parts, "]", indent), nil
	}
	var value any = n.Value
	if n.ShortTag() != "!!timestamp" { // 2012-10-17 is text here
		if err := n.Decode(&value); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("line %d: %w", n.Line, err)
	}
	return string(text), nil
}

func brackets(open string, parts []string, end, indent string) string {
	if len(parts) == 0 {
		return open + end
	}
	return open + "\n" + indent + "  " + strings.Join(parts, ",\n"+indent+"  ") + "\n" + indent + end
}
