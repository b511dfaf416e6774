package configs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
	"ssmguard/internal/yamlfile"
)

//go:embed worlds/*.yaml
var worldFiles embed.FS

// World is an AWS account for the sandbox: who may do what in it, and what there is.
type World struct {
	About        string                   `yaml:"about"` // one line, for the list of worlds
	Partition    string                   `yaml:"partition"`
	Account      string                   `yaml:"account"`
	Region       string                   `yaml:"region"`
	Seed         uint64                   `yaml:"seed"`    // decides what AWS decides at random
	Default      string                   `yaml:"default"` // the login used when none is chosen
	Delay        Duration                 `yaml:"delay"`   // time every API call takes
	OldSimulator bool                     `yaml:"old_simulator"`
	Context      map[string]string        `yaml:"context"` // request keys of every call
	Denials      WorldDenials             `yaml:"denials"`
	Faults       []WorldFault             `yaml:"faults"`
	Organization *WorldOrganization       `yaml:"organization"`
	Endpoint     PolicyText               `yaml:"endpoint"` // policy of the VPC endpoint all calls come through
	Policies     map[string]WorldPolicy   `yaml:"policies"`
	Users        map[string]WorldUser     `yaml:"users"`
	Groups       map[string]WorldGroup    `yaml:"groups"`
	Roles        map[string]WorldRole     `yaml:"roles"`
	Logins       map[string]WorldLogin    `yaml:"logins"`
	Instances    []WorldInstance          `yaml:"instances"`
	Tasks        []WorldTask              `yaml:"tasks"`
	Documents    map[string]WorldDocument `yaml:"documents"`
	Keys         []WorldKey               `yaml:"keys"`
	RDS          WorldRDS                 `yaml:"rds"`
	ElastiCache  WorldElastiCache         `yaml:"elasticache"`
	Services     map[string]WorldService  `yaml:"services"` // HOST:PORT as the instances see it

	Name string `yaml:"-"`
}

// PolicyText is a policy or SSM document as JSON text. In YAML it is written as
// a mapping, or as a string that holds the JSON.
type PolicyText string

// UnmarshalYAML turns a mapping into JSON of the same order.
func (p *PolicyText) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = PolicyText(n.Value)
		return nil
	}
	text, err := nodeJSON(n, "")
	*p = PolicyText(text)
	return err
}

// Duration is a time.Duration written as Go writes it, such as 40ms.
type Duration time.Duration

// UnmarshalYAML reads the text form.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is no duration; write 40ms or 2s", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}

// WorldDenials chooses among the forms AWS's denials have had.
type WorldDenials struct {
	PolicyARN bool `yaml:"policy_arn"` // name the policy of an explicit deny
	Newlines  bool `yaml:"newlines"`
	Plain     bool `yaml:"plain"`   // without a reason
	Encoded   bool `yaml:"encoded"` // EC2's encoded messages
}

// WorldFault disturbs calls of an operation.
type WorldFault struct {
	Operation string   `yaml:"operation"` // iam:GetRole, iam:* or *
	Call      int      `yaml:"call"`      // the n-th call only; 0: every one
	Delay     Duration `yaml:"delay"`
	Kind      string   `yaml:"kind"` // throttle, unavailable, garbage, drop
}

// WorldOrganization is the account's place in an organization.
type WorldOrganization struct {
	ID         string       `yaml:"id"`
	Management string       `yaml:"management"` // id of the management account
	Delegated  bool         `yaml:"delegated"`  // the account administers policies by delegation
	Levels     []WorldLevel `yaml:"levels"`     // from the root down to the account
}

// WorldLevel is one level of the organization.
type WorldLevel struct {
	ID   string                `yaml:"id"`
	Name string                `yaml:"name"`
	SCPs map[string]PolicyText `yaml:"scps"`
	RCPs map[string]PolicyText `yaml:"rcps"`
}

// WorldPolicy is a managed policy.
type WorldPolicy struct {
	Path     string     `yaml:"path"`
	AWS      bool       `yaml:"aws"` // AWS owns it
	Document PolicyText `yaml:"document"`
}

// WorldPrincipal is what users and roles share.
type WorldPrincipal struct {
	Path     string                `yaml:"path"`
	ID       string                `yaml:"id"`
	Tags     map[string]string     `yaml:"tags"`
	Attached []string              `yaml:"attached"` // names of managed policies
	Inline   map[string]PolicyText `yaml:"inline"`
	Boundary string                `yaml:"boundary"`
}

// WorldUser is an IAM user.
type WorldUser struct {
	WorldPrincipal `yaml:",inline"`
	Groups         []string `yaml:"groups"`
}

// WorldRole is an IAM role. Trust lists account ids, user/NAME, role/NAME, ARNs,
// "*" or federated:PROVIDER.
type WorldRole struct {
	WorldPrincipal `yaml:",inline"`
	Trust          []string `yaml:"trust"`
	TrustMFA       bool     `yaml:"trust_mfa"`
}

// WorldGroup is an IAM group.
type WorldGroup struct {
	Path     string                `yaml:"path"`
	Attached []string              `yaml:"attached"`
	Inline   map[string]PolicyText `yaml:"inline"`
}

// WorldLogin is a set of credentials, and a profile in the sandbox.
type WorldLogin struct {
	As        string            `yaml:"as"`      // user/NAME, role/NAME, federated/USER/NAME or root
	Session   string            `yaml:"session"` // role session name
	Temporary bool              `yaml:"temporary"`
	MFA       bool              `yaml:"mfa"`
	Provider  string            `yaml:"provider"` // web identity provider
	Policies  []PolicyText      `yaml:"policies"` // session policies
	Tags      map[string]string `yaml:"tags"`     // session tags
	Expired   bool              `yaml:"expired"`
}

// WorldInstance is an EC2 instance or a managed instance.
type WorldInstance struct {
	ID          string            `yaml:"id"`
	Region      string            `yaml:"region"`
	Account     string            `yaml:"account"`
	Tags        map[string]string `yaml:"tags"`
	State       string            `yaml:"state"`
	Ping        string            `yaml:"ping"`  // Online when left out; none for a node without agent
	Agent       string            `yaml:"agent"` // version
	Platform    string            `yaml:"platform"`
	IP          string            `yaml:"ip"`
	DNS         string            `yaml:"dns"`
	Profile     string            `yaml:"profile"`     // instance profile
	Unreachable bool              `yaml:"unreachable"` // online, and refuses sessions
}

// WorldTask is an ECS task.
type WorldTask struct {
	Cluster      string            `yaml:"cluster"`
	ID           string            `yaml:"id"`
	Region       string            `yaml:"region"`
	Containers   map[string]string `yaml:"containers"` // name to runtime id
	Tags         map[string]string `yaml:"tags"`
	Stopped      bool              `yaml:"stopped"`
	ExecDisabled bool              `yaml:"exec_disabled"`
}

// WorldDocument is an SSM document.
type WorldDocument struct {
	Region  string            `yaml:"region"`
	Account string            `yaml:"account"` // owner
	Type    string            `yaml:"type"`
	Tags    map[string]string `yaml:"tags"`
	Content PolicyText        `yaml:"content"`
}

// WorldKey is a KMS key.
type WorldKey struct {
	ID     string `yaml:"id"`
	Region string `yaml:"region"`
	Alias  string `yaml:"alias"`
	AWS    bool   `yaml:"aws"`
	Sealed bool   `yaml:"sealed"` // its key policy does not delegate to IAM
}

// WorldService is a TCP service behind the instances: a real one at Address, or
// one the sandbox plays, which greets and then answers each line with the same line.
type WorldService struct {
	Address  string `yaml:"address"`
	Greeting string `yaml:"greeting"`
}

// Worlds returns the worlds that come with the program, by name.
func Worlds() ([]World, error) {
	entries, err := fs.ReadDir(worldFiles, "worlds")
	if err != nil {
		return nil, err
	}
	var all []World
	for _, e := range entries {
		w, err := LoadWorld(strings.TrimSuffix(e.Name(), ".yaml"))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// LoadWorld reads a world that comes with the program, by name, or a file: a
// name with a slash or ending in .yaml. All that is wrong in it is returned as Faults.
func LoadWorld(name string) (World, error) {
	file, data, err := ReadWorld(name)
	if err != nil {
		return World{}, err
	}
	w, err := parseWorld(file, data)
	w.Name = strings.TrimSuffix(path.Base(name), ".yaml")
	return w, err
}

// ReadWorld returns the file that LoadWorld would read, as it is written.
func ReadWorld(name string) (file string, data []byte, err error) {
	isFile := strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
	read, file := os.ReadFile, name
	if !isFile {
		read, file = worldFiles.ReadFile, path.Join("worlds", name+".yaml")
	}
	data, err = read(file)
	if errors.Is(err, fs.ErrNotExist) && !isFile {
		err = unknownWorld(name)
	}
	return file, data, err
}

func parseWorld(file string, data []byte) (World, error) {
	var w World
	if err := yamlfile.Decode(file, data, &w, nil); err != nil {
		return w, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return w, err
	}
	v := worldFaults{file: file, root: &root}
	v.check(&w)
	return w, v.faults.Err()
}

func unknownWorld(name string) error {
	var known []string
	entries, err := fs.ReadDir(worldFiles, "worlds")
	for _, e := range entries {
		known = append(known, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	if err != nil {
		return err
	}
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Errorf("no world %q, did you mean %q?", name, near)
	}
	return fmt.Errorf("no world %q, known are: %s; a file is named with its .yaml", name, strings.Join(known, ", "))
}
