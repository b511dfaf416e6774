package configs

import (
	"fmt"
	"path/filepath"
	"slices"

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
	if err := yamlfile.Decode(file, data, &c, nil); err != nil {
		return Claims{}, err
	}
	if err := c.validate(file, kinds).Err(); err != nil {
		return Claims{}, err
	}
	c.Policies.beside(file)
	return c, nil
}

func (c Claims) validate(file string, kinds []string) (faults yamlfile.Faults) {
	if len(c.Claims) == 0 {
		faults = append(faults, yamlfile.Fault{File: file, Text: "no claims"})
	}
	for i, claim := range c.Claims {
		if claim.Expect != "allow" && claim.Expect != "deny" {
			faults = append(faults, yamlfile.Fault{File: file, Text: fmt.Sprintf("claim %d expects %q; valid: allow, deny", i+1, claim.Expect)})
		}
		for _, kind := range claim.Kinds {
			if !slices.Contains(kinds, kind) {
				faults = append(faults, yamlfile.Fault{File: file, Text: fmt.Sprintf("claim %d is about the kind of target %q; valid: %q", i+1, kind, kinds)})
			}
		}
		if claim.Target != "" && claim.Kinds != nil {
			faults = append(faults, yamlfile.Fault{File: file, Text: fmt.Sprintf("claim %d has a target and target_kinds; give one of them", i+1)})
		}
		if !c.Policies.Any() && (claim.Principal != "" || c.Principal != "") {
			faults = append(faults, yamlfile.Fault{File: file, Text: fmt.Sprintf("claim %d names a principal, which goes with policies only", i+1)})
		}
	}
	return faults
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
