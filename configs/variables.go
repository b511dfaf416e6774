package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/safetext"
	"ssmguard/internal/yamlfile"
)

// Variables are the environment variables that the values of a configuration
// file may use as ${NAME}.
type Variables struct {
	Lookup  func(name string) (string, bool)
	Project bool // a project's file, which others may have written: projectVariables only
}

// projectVariables are the variables that a project's file may use: they identify the
// user and the machine. A value may leave the machine, as the reason of a session or
// the name of a host, so other variables are refused. A * at the end stands for any
// further letters.
var projectVariables = []string{
	"SSMGUARD_*",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
	"USER", "LOGNAME", "USERNAME", "HOME", "USERPROFILE", "HOSTNAME", "COMPUTERNAME",
	"TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR",
}

// credentialWords are parts of the names of variables that hold credentials. No file
// may use such a variable, not even the user's own: values are sent to AWS and shown.
var credentialWords = []string{"KEY", "TOKEN", "SECRET", "CREDENTIAL", "PASSWORD", "PASSWD", "PASSPHRASE", "_PASS", "_PWD"}

// refusal returns the reason why a variable may not be used, with what to do; "" when
// it may.
func (v Variables) refusal(name string) string {
	holds := func(word string) bool { return strings.Contains(strings.ToUpper(name), word) }
	allows := func(allowed string) bool {
		prefix, any := strings.CutSuffix(allowed, "*")
		return name == allowed || any && strings.HasPrefix(name, prefix)
	}
	switch {
	case slices.ContainsFunc(credentialWords, holds):
		return fmt.Sprintf("${%s} has the name of a credential, and credentials stay out of configuration; write the value, or use a variable with another name", name)
	case v.Project && !slices.ContainsFunc(projectVariables, allows):
		return fmt.Sprintf("${%s} is not for a project's file; call the variable SSMGUARD_%s, or write the value", name, name)
	}
	return ""
}

var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\})`) })

// decode reads a file strictly and expands its variables. root is its document, nil if it
// is empty.
func (v Variables) decode(file string, data []byte) (f File, root *yaml.Node, err error) {
	err = yamlfile.Decode(file, data, &f, func(n *yaml.Node, faults *yamlfile.Faults) {
		root = n
		v.expand(file, n, faults)
	})
	for name, t := range f.Tunnels { // a database's engine may be given as engine
		if slices.Contains(DatabaseEngines, t.Engine) && (t.DBEngine == "" || t.DBEngine == t.Engine) {
			t.DBEngine, t.Engine = t.Engine, ""
			f.Tunnels[name] = t
		}
	}
	return f, root, err
}

// expand replaces ${NAME} and ${NAME:-default} in every value; $$ is a dollar sign.
// Keys are not changed. Control characters in keys and values are faults.
func (v Variables) expand(file string, n *yaml.Node, faults *yamlfile.Faults) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			checkText(file, child, faults)
		} else {
			v.expand(file, child, faults)
		}
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	if strings.Contains(n.Value, "$") {
		n.Value = variable().ReplaceAllStringFunc(n.Value, func(use string) string { return v.value(file, n.Line, use, faults) })
		if n.Style == 0 {
			n.Tag = "" // a plain ${PORT} becomes the number it stands for
		}
	}
	checkText(file, n, faults)
}

// value returns the value of one use of a variable.
func (v Variables) value(file string, line int, use string, faults *yamlfile.Faults) string {
	m := variable().FindStringSubmatch(use)
	name, hasDefault, byDefault := m[2], m[3] != "", m[4]
	if m[1] == "$" {
		return "$"
	}
	if why := v.refusal(name); why != "" {
		*faults = append(*faults, yamlfile.Fault{File: file, Line: line, Text: why})
		return ""
	}
	if v.Lookup != nil {
		if value, ok := v.Lookup(name); ok && (value != "" || !hasDefault) {
			return value
		}
	}
	if !hasDefault {
		*faults = append(*faults, yamlfile.Fault{File: file, Line: line, Text: fmt.Sprintf("environment variable %s is not set; write ${%s:-value} to give a default", name, name)})
	}
	return byDefault
}

// checkText refuses control characters: a value becomes a line of a client's file, of a
// terminal or of a shell, and a control character could end that line.
func checkText(file string, n *yaml.Node, faults *yamlfile.Faults) {
	if at := strings.IndexFunc(n.Value, safetext.Control); n.Kind == yaml.ScalarNode && at >= 0 {
		*faults = append(*faults, yamlfile.Fault{File: file, Line: n.Line, Text: fmt.Sprintf("the text has the control character %U; remove it", []rune(n.Value[at:])[0])})
	}
}
