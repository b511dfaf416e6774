package configs

import (
	_ "embed"
	"slices"

	"ssmguard/internal/yamlfile"
)

// MatrixExample is a matrix with a line about each of its parts.
//
//go:embed examples/matrix.yaml
var MatrixExample string

// Matrix is a file of requests and their expected verdicts, for `ssmguard check
// --matrix`. Without Policies the account is asked.
type Matrix struct {
	Policies  MatrixPolicies  `yaml:"policies"`
	Principal string          `yaml:"principal"` // ARN, for policy files
	Region    string          `yaml:"region"`    // for policy files
	Requests  []MatrixRequest `yaml:"requests"`

	Context map[string][]string `yaml:"context"` // condition keys of every request; a request's own win
	Closed  bool                `yaml:"closed"`  // for policy files: a fact that is not stated is absent
}

// MatrixPolicies are policy files by layer, relative to the matrix.
type MatrixPolicies struct {
	Identity []string `yaml:"identity"`
	Boundary []string `yaml:"boundary"`
	Session  []string `yaml:"session"`
	SCP      []string `yaml:"scp"`
	RCP      []string `yaml:"rcp"`
	Endpoint []string `yaml:"endpoint"`
}

// MatrixRequest is one row.
type MatrixRequest struct {
	Name         string              `yaml:"name"` // "" for a name made of target and document
	Target       string              `yaml:"target"`
	Document     string              `yaml:"document"`
	TargetTags   map[string]string   `yaml:"target_tags"`
	DocumentTags map[string]string   `yaml:"document_tags"`
	Untagged     []string            `yaml:"untagged"` // "target", "document": those without tags
	Context      map[string][]string `yaml:"context"`
	Principal    string              `yaml:"principal"` // in place of the matrix's
	Expect       string              `yaml:"expect"`    // allow, deny, or "" for no expectation
}

// LoadMatrix reads a matrix. Its faults are returned as Faults.
func LoadMatrix(file string) (Matrix, error) {
	data, err := yamlfile.ReadFile(file)
	if err != nil {
		return Matrix{}, err
	}
	var m Matrix
	list := listChecker{file: file, list: "requests"}
	if err := yamlfile.Decode(file, data, &m, list.keep); err != nil {
		return Matrix{}, err
	}
	if err := m.validate(&list).Err(); err != nil {
		return Matrix{}, err
	}
	m.Policies.beside(file)
	return m, nil
}

func (m Matrix) validate(l *listChecker) yamlfile.Faults {
	if len(m.Requests) == 0 {
		l.add(-1, "requests", "no requests")
	}
	if m.Closed && !m.HasPolicies() {
		l.add(-1, "closed", "closed goes with policies only")
	}
	for i, r := range m.Requests {
		if r.Target == "" {
			l.add(i, "target", "request %d has no target", i+1)
		}
		if !slices.Contains([]string{"", "allow", "deny"}, r.Expect) {
			l.add(i, "expect", "request %d expects %q; valid: allow, deny", i+1, r.Expect)
		}
		for _, of := range r.Untagged {
			switch {
			case of != "target" && of != "document":
				l.add(i, "untagged", "request %d says that %q is untagged; want target or document", i+1, of)
			case of == "target" && r.TargetTags != nil, of == "document" && r.DocumentTags != nil:
				l.add(i, "untagged", "request %d states tags of the %s and that it has none", i+1, of)
			}
		}
		if !m.HasPolicies() && (r.TargetTags != nil || r.DocumentTags != nil || r.Untagged != nil || r.Principal != "") {
			l.add(i, "principal", "request %d states tags or a principal, which go with policies only", i+1)
		}
	}
	return l.faults
}

// HasPolicies reports whether the matrix has policy files.
func (m Matrix) HasPolicies() bool {
	return m.Policies.Any()
}
