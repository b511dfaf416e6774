package awscli

import (
	"encoding/json"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errYAML = errors.New("invalid YAML")

// loadYAML reads one YAML 1.2 document into the values that JSON would give.
func loadYAML(s string) (any, error) {
	dec := yaml.NewDecoder(strings.NewReader(s))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if strings.TrimSpace(s) == "" || err.Error() == "EOF" {
			return nil, nil
		}
		return nil, errYAML
	}
	var more yaml.Node
	if dec.Decode(&more) == nil {
		return nil, errYAML
	}
	return yamlValue(&doc, 0)
}

// maxDepth bounds aliases that contain themselves.
const maxDepth = 100

func yamlValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errYAML
	}
	if tag := n.ShortTag(); n.Kind != yaml.AliasNode && len(tag) > 1 && !strings.HasPrefix(tag, "!!") {
		return nil, errYAML // a tag of somebody's own
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return yamlValue(n.Content[0], depth+1)
	case yaml.AliasNode:
		return yamlValue(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := yamlValue(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return yamlMapping(n, depth)
	}
	return yamlScalar(n)
}

func yamlMapping(n *yaml.Node, depth int) (any, error) {
	m := newMapping()
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, err := yamlValue(n.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		v, err := yamlValue(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if m.has(shown(k)) {
			return nil, errYAML
		}
		m.set(shown(k), v)
	}
	return m, nil
}

func yamlScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		return json.Number(n.Value), nil
	case "!!timestamp":
		return timestamp(n.Value), nil
	case "!!binary":
		return blob(n.Value), nil
	}
	return n.Value, nil
}
