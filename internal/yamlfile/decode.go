package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/usertext"
)

// The limits of a file. The YAML library compares every key of a mapping with every
// other one, so without a limit a large file could take minutes.
const (
	MaxSize  = 1 << 20 // bytes
	maxKeys  = 1000    // of one mapping
	maxFault = 100     // faults that are shown, or that a near key is looked for
)

// ReadAll returns the text of a file as UTF-8, of at most MaxSize bytes. The Fault of a larger
// one has the name file.
func ReadAll(file string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil {
		err = checkSize(file, data)
	}
	if err != nil {
		return data, err
	}
	text, _, err := usertext.Decode(data)
	if err != nil {
		return nil, Faults{{File: file, Text: err.Error()}}
	}
	return text, nil
}

// ReadFile is ReadAll for a file that is opened by its name.
func ReadFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(file, f)
}

func checkSize(file string, data []byte) error {
	if len(data) > MaxSize {
		return Faults{{File: file, Text: fmt.Sprintf("larger than %d KiB", MaxSize>>10)}}
	}
	return nil
}

// Decode reads one YAML document into a struct. Every unknown key and every value of a
// wrong type is a Fault with its line; all faults are returned together. prepare may
// change the document before it is decoded, and add faults; it may be nil. A document
// beyond the limits of a file is a Fault, and the time is linear in its size.
func Decode(file string, data []byte, into any, prepare func(root *yaml.Node, faults *Faults)) error {
	if err := checkSize(file, data); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Faults{syntaxFault(file, data, err)}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	var faults Faults
	root := doc.Content[0]
	checkMappings(file, root, &faults)
	if len(faults) > 0 {
		return faults.Err()
	}
	if prepare != nil {
		prepare(root, &faults)
	}
	c := &shapeChecker{file: file, faults: &faults, seen: make(map[typedNode]bool)}
	c.check(root, reflect.TypeOf(into).Elem())
	if c.wrong || len(faults) > maxFault {
		return faults.Err() // the library would say it again, in Go's words
	}
	var wrong *yaml.TypeError
	switch err := root.Decode(into); {
	case errors.As(err, &wrong):
		for _, text := range wrong.Errors {
			faults = append(faults, yamlFault(file, text))
		}
	case err != nil:
		faults = append(faults, yamlFault(file, err.Error()))
	}
	return faults.Err()
}

// checkMappings finds keys that are given twice, and mappings with too many of them.
func checkMappings(file string, n *yaml.Node, faults *Faults) {
	if n.Kind == yaml.MappingNode {
		if len(n.Content)/2 > maxKeys {
			*faults = append(*faults, Fault{file, n.Line, fmt.Sprintf("%d keys in one mapping; at most %d", len(n.Content)/2, maxKeys)})
		}
		type key struct {
			kind  yaml.Kind
			value string
		}
		lines := make(map[key]int, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if first, twice := lines[key{k.Kind, k.Value}]; twice {
				*faults = append(*faults, Fault{file, k.Line, fmt.Sprintf("the key %s is given twice, first in line %d", quoted(k.Value), first)})
				continue
			}
			lines[key{k.Kind, k.Value}] = k.Line
		}
	}
	for _, child := range n.Content {
		checkMappings(file, child, faults)
	}
}

// maxQuoted is the length up to which a file's text is quoted whole, in bytes.
const maxQuoted = 80

// quoted is a file's text in quotes, its beginning if it is long.
func quoted(text string) string {
	if len(text) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(text[:maxQuoted], "")) + "..."
	}
	return strconv.Quote(text)
}

// shortened is a file's text, its beginning if it is long.
func shortened(text string) string {
	if len(text) > maxQuoted {
		return strings.ToValidUTF8(text[:maxQuoted], "") + "..."
	}
	return text
}
