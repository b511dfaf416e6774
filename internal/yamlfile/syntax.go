package yamlfile

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/safetext"
)

// syntaxTexts say what to do about a text that is no YAML, by the library's message. The
// library speaks of tokens and nodes.
var syntaxTexts = []struct{ message, text string }{
	{"found a tab character", tabText},
	{"found character that cannot start any token", "a value cannot begin with this character; put the value in quotes"},
	{"found unexpected end of stream", "a quote is opened and not closed"},
	{"did not find expected node content", "a value is missing, or a bracket here or above is not closed"},
	{"did not find expected ',' or '}'", "a bracket { here or above is not closed, or a comma is missing"},
	{"did not find expected ',' or ']'", "a bracket [ here or above is not closed, or a comma is missing"},
	{"did not find expected key", "a line begins in another column than those beside it, or text follows the end of a value"},
	{"did not find expected '-' indicator", "a line of a list does not begin with \"- \" in the column of the others"},
	{"mapping values are not allowed in this context", "a \": \" too many; put a value with \": \" in it in quotes, and begin keys of one mapping in one column"},
	{"block sequence entries are not allowed in this context", "a list begins on the line below its key, or is written [a, b]"},
	{"could not find expected ':'", "a key is not followed by \": \""},
	{"found unknown escape character", "a \\ in double quotes begins an escape; write \\\\, or use single quotes"},
	{"control characters are not allowed", "the text has a control character; remove it"},
	{"UTF-8", "the text is not UTF-8; save the file as UTF-8"},
	{"unknown anchor", "a value that begins with * refers to an anchor, which is not in the file; put the value in quotes"},
	{"contains itself", "an anchor contains itself"},
	{"excessive aliasing", "too many aliases"},
}

const tabText = "a tab in front of the text; indent with spaces"

// syntaxFault is the fault of a text that is no YAML. The library's lines are those of
// what it was reading, which may have begun long before; the first line that the text
// cannot have is the one to look at.
func syntaxFault(file string, data []byte, err error) Fault {
	f := yamlFault(file, err.Error())
	message := f.Text
	lines := bytes.SplitAfter(data, []byte("\n"))
	ends, end := make([]int, len(lines)), 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	f.Line = sort.Search(len(lines), func(n int) bool {
		var doc yaml.Node
		err := yaml.Unmarshal(data[:ends[n]], &doc)
		return err != nil && yamlFault(file, err.Error()).Text == message
	})
	f.Line = min(f.Line, len(lines)-1) + 1
	at := slices.IndexFunc(syntaxTexts, func(known struct{ message, text string }) bool { return strings.Contains(message, known.message) })
	if at >= 0 {
		f.Text = syntaxTexts[at].text
	}
	text := lines[f.Line-1]
	if indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]; bytes.ContainsRune(indent, '\t') {
		f.Text = tabText
	}
	return f
}

var yamlLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`) })

// yamlFault takes the line out of the library's message, which may quote the file.
func yamlFault(file, message string) Fault {
	m := yamlLine().FindStringSubmatch(safetext.Line(message))
	line, _ := strconv.Atoi(m[1])
	if strings.HasPrefix(m[2], "cannot unmarshal ") {
		m[2] = "the value has a form that its key does not take" // the rest is Go's name of the type
	}
	if text := m[2]; len(text) > 4*maxQuoted {
		m[2] = strings.ToValidUTF8(text[:4*maxQuoted], "") + "..."
	}
	return Fault{file, line, m[2]}
}
