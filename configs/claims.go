package configs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/yamlfile"
)

// Claims is a file of what is to be true of all sessions, for `ssmguard prove --claims`.
// Without Policies the caller's own are asked about.
type Claims struct {
	Policies  MatrixPolicies `yaml:"policies"`
	Principal string         `yaml:"principal"` // ARN, for policy files
	Region    string         `yaml:"region"`
	Claims    []Claim        `yaml:"claims"`
}

// Claim is one of them. What is left out ranges over everything.
type Claim struct {
	Name      string              `yaml:"name"` // "" for the claim in words
	Expect    string              `yaml:"expect"`
	Target    string              `yaml:"target"`
	Kinds     []string            `yaml:"target_kinds"`
	Where     map[string]string   `yaml:"where"`
	WhereNot  map[string][]string `yaml:"where_not"`
	Document  string              `yaml:"document"`
	Context   map[string][]string `yaml:"context"`
	Principal string              `yaml:"principal"` // in place of the file's
}

// LoadClaims reads a file of claims; kinds are the valid kinds of targets. Its faults are
// returned as Faults.
func LoadClaims(file string, kinds []string) (Claims, error) {
	data, err := yamlfile.ReadFile(file)
	if err != nil {
		return Claims{}, err
	}
	var c Claims
	list := listChecker{file: file, list: "claims"}
	if err := yamlfile.Decode(file, data, &c, list.keep); err != nil {
		return Claims{}, err
	}
	if err := c.validate(&list, kinds).Err(); err != nil {
		return Claims{}, err
	}
	c.Policies.beside(file)
	return c, nil
}

func (c Claims) validate(l *listChecker, kinds []string) yamlfile.Faults {
	if len(c.Claims) == 0 {
		l.add(-1, "claims", "no claims")
	}
	for i, claim := range c.Claims {
		if claim.Expect != "allow" && claim.Expect != "deny" {
			l.add(i, "expect", "claim %d expects %q; valid: allow, deny", i+1, claim.Expect)
		}
		for _, kind := range claim.Kinds {
			if !slices.Contains(kinds, kind) {
				l.add(i, "target_kinds", "claim %d is about the kind of target %q; valid: %q", i+1, kind, kinds)
			}
		}
		if claim.Target != "" && claim.Kinds != nil {
			l.add(i, "target_kinds", "claim %d has a target and target_kinds; give one of them", i+1)
		}
		for tag, value := range claim.Where {
			if slices.Contains(claim.WhereNot[tag], value) {
				l.add(i, "where_not", "claim %d is about targets with %s=%s and without it, so about none", i+1, tag, value)
			}
		}
		if !c.Policies.Any() && (claim.Principal != "" || c.Principal != "") {
			l.add(i, "principal", "claim %d names a principal, which goes with policies only", i+1)
		}
	}
	return l.faults
}

// listChecker gathers the faults of a file that is a list of the same, with their lines.
type listChecker struct {
	file   string
	list   string     // the key of the list
	root   *yaml.Node // nil for a file without text
	faults yamlfile.Faults
}

// keep remembers the document that is decoded, for the lines of faults.
func (l *listChecker) keep(root *yaml.Node, _ *yamlfile.Faults) { l.root = root }

// add adds a fault of a key of an item, from 0, or of the file if the item is below 0.
func (l *listChecker) add(item int, key, format string, args ...any) {
	keys := []string{key}
	if item >= 0 {
		keys = []string{l.list, strconv.Itoa(item), key}
	}
	l.faults = append(l.faults, yamlfile.Fault{File: l.file, Line: lineOf(l.root, keys...), Text: fmt.Sprintf(format, args...)})
}

// Any reports whether there is a policy file.
func (p MatrixPolicies) Any() bool {
	return slices.ContainsFunc(p.layers(), func(paths []string) bool { return len(paths) > 0 })
}

// layers are the files of each layer.
func (p MatrixPolicies) layers() [][]string {
	return [][]string{p.Identity, p.Boundary, p.Session, p.SCP, p.RCP, p.Endpoint}
}

// beside makes the paths relative to the file that names them.
func (p MatrixPolicies) beside(file string) {
	for _, paths := range p.layers() {
		for i, path := range paths {
			if !filepath.IsAbs(path) {
				paths[i] = filepath.Join(filepath.Dir(file), path)
			}
		}
	}
}
