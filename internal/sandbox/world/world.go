package world

import (
	"strings"
	"time"
)

// World is the content of a new account, and the services behind its nodes. Names are
// unique within their list; every policy document is IAM policy JSON. The tags are the
// keys in files; fields with another form in files are in file.go. It has a field for
// each key of a file, so it has many.
type World struct {
	Name    string `yaml:"-"`       // of the file
	About   string `yaml:"about"`   // one line, for the list of worlds
	Default string `yaml:"default"` // the login used when none is chosen

	Partition string `yaml:"partition"` // "aws" when empty
	Account   string `yaml:"account"`   // twelve digits
	Region    string `yaml:"region"`    // home region: of resources that name none
	Seed      uint64 `yaml:"seed"`      // decides what AWS decides at random, such as the resource a denial names

	Organization *Organization     `yaml:"organization"` // nil: the account is in no organization
	Endpoint     *Policy           `yaml:"-"`            // policy of the VPC endpoint every request comes through; nil: none
	Context      map[string]string `yaml:"context"`      // request keys of every request, such as aws:SourceIp; win over the server's own
	Denials      DenialStyle       `yaml:"denials"`
	OldSimulator bool              `yaml:"old_simulator"` // the simulator answers as before 2026-07-30
	Delay        time.Duration     `yaml:"-"`             // time every call takes before it is answered
	Clock        time.Duration     `yaml:"-"`             // how far AWS's clock is ahead of this machine's

	Policies  List[Policy, policyFile]     `yaml:"policies"` // managed policies that can be attached
	Users     List[User, User]             `yaml:"users"`
	Groups    List[Group, Group]           `yaml:"groups"`
	Roles     List[Role, Role]             `yaml:"roles"`
	Logins    List[Login, loginFile]       `yaml:"logins"`
	Nodes     []Node                       `yaml:"instances"`
	Tasks     []Task                       `yaml:"tasks"`
	Documents List[Document, documentFile] `yaml:"documents"`
	Keys      []Key                        `yaml:"keys"`
	Network   `yaml:",inline"`
	Databases []Database `yaml:"-"`
	Caches    []Cache    `yaml:"-"`

	Services map[string]Service `yaml:"services"` // by HOST:PORT as the nodes see it
	Faults   []Fault            `yaml:"-"`        // from the start
}

// DenialStyle is the form of AccessDenied messages, of those that AWS uses.
type DenialStyle struct {
	PolicyARN bool `yaml:"policy_arn"` // name the policy of an explicit deny by ARN
	Newlines  bool `yaml:"newlines"`   // newlines between the parts
	Plain     bool `yaml:"plain"`      // no reason, as before 2021
	Encoded   bool `yaml:"encoded"`    // EC2 answers with an encoded message
}

// Policy is one policy document. Of a managed policy, AWS means that AWS owns it.
type Policy struct {
	Name     string `yaml:"-"`
	Path     string `yaml:"path"`
	AWS      bool   `yaml:"aws"`
	Document string `yaml:"-"`
}

// Inline are policies of which a file has only the text.
type Inline = List[Policy, text]

// Organization is the account's place in an organization.
type Organization struct {
	ID                string  `yaml:"id"`         // o-...
	ManagementAccount string  `yaml:"management"` // account id; the account itself when equal to World.Account
	Delegated         bool    `yaml:"delegated"`  // the account is a delegated administrator for policies
	Levels            []Level `yaml:"levels"`
}

// Level is one level of an organization, from the root down to the account.
type Level struct {
	ID   string `yaml:"id"` // r-..., ou-... or the account id
	Name string `yaml:"name"`
	SCPs Inline `yaml:"scps"`
	RCPs Inline `yaml:"rcps"` // RCPFullAWSAccess is implied
}

// Principal has the common fields of users and roles.
type Principal struct {
	Name     string            `yaml:"-"`
	Path     string            `yaml:"path"`
	ID       string            `yaml:"id"` // AIDA... or AROA...; made up when empty
	Tags     map[string]string `yaml:"tags"`
	Attached []string          `yaml:"attached"` // names of managed policies
	Inline   Inline            `yaml:"inline"`
	Boundary string            `yaml:"boundary"` // name of a managed policy; "" means none
}

// User is an IAM user.
type User struct {
	Principal `yaml:",inline"`
	Groups    []string `yaml:"groups"`
}

// Role is an IAM role. Trust lists who may assume it: account ids, principal
// ARNs, "*", or "federated:PROVIDER" for web identities.
type Role struct {
	Principal `yaml:",inline"`
	Trust     []string `yaml:"trust"`
	TrustMFA  bool     `yaml:"trust_mfa"` // only with MFA
}

// FederatedTrust begins an entry of Role.Trust that is a web identity provider.
const FederatedTrust = "federated:"

// WebIdentities returns the web identity providers that the role trusts, such as
// "token.actions.githubusercontent.com".
func (r Role) WebIdentities() []string {
	var providers []string
	for _, t := range r.Trust {
		if p, ok := strings.CutPrefix(t, FederatedTrust); ok {
			providers = append(providers, p)
		}
	}
	return providers
}

// Group is an IAM group.
type Group struct {
	Name     string   `yaml:"-"`
	Path     string   `yaml:"path"`
	Attached []string `yaml:"attached"`
	Inline   Inline   `yaml:"inline"`
}

// Login is one set of credentials of the account.
type Login struct {
	Name      string            `yaml:"-"`         // its name for --as, and its profile's name
	Principal string            `yaml:"as"`        // "user/NAME", "role/NAME", "federated/USER/NAME" or "root"
	Session   string            `yaml:"session"`   // role session name; the Name when empty
	Temporary bool              `yaml:"temporary"` // of a user or root: credentials of GetSessionToken
	MFA       bool              `yaml:"mfa"`
	Provider  string            `yaml:"provider"` // web identity provider of a role session
	Policies  []string          `yaml:"-"`        // session policies
	Tags      map[string]string `yaml:"tags"`     // of the session
	Expired   bool              `yaml:"expired"`

	AccessKeyID     string `yaml:"-"` // made up when empty
	SecretAccessKey string `yaml:"-"` // made up when empty
}

// Node is an EC2 instance (i-...) or a managed instance (mi-...).
type Node struct {
	ID          string            `yaml:"id"`
	Region      string            `yaml:"region"`
	Account     string            `yaml:"account"` // the world's when empty; nodes of other accounts cannot be reached
	Tags        map[string]string `yaml:"tags"`
	State       string            `yaml:"state"`    // EC2 instance state; "running" when empty
	Ping        string            `yaml:"ping"`     // Online, ConnectionLost, Inactive, or "" for a node without agent
	Agent       string            `yaml:"agent"`    // agent version
	Platform    string            `yaml:"platform"` // "Linux" when empty
	PrivateIP   string            `yaml:"ip"`
	PrivateDNS  string            `yaml:"dns"`
	Subnet      string            `yaml:"subnet"`
	IPv6        string            `yaml:"ipv6"`
	Groups      []string          `yaml:"security_groups"`
	Profile     string            `yaml:"profile"`     // name of the instance profile
	Starting    bool              `yaml:"-"`           // it was started and is about to run
	Unreachable bool              `yaml:"unreachable"` // Online, and still refuses sessions
	Unpaced     bool              `yaml:"unpaced"`     // its agent sends as fast as it can, which no real one does
}

// Task is an ECS task. Its target is ecs:CLUSTER_ID_RUNTIME.
type Task struct {
	Cluster     string                     `yaml:"cluster"`
	ID          string                     `yaml:"id"`
	Region      string                     `yaml:"region"`
	Containers  List[Container, runtimeID] `yaml:"containers"`
	Tags        map[string]string          `yaml:"tags"`
	Stopped     bool                       `yaml:"stopped"`
	ExecDisable bool                       `yaml:"exec_disabled"`
}

// Container is one container of a task.
type Container struct {
	Name, RuntimeID string
}

// Document is an SSM document the account can see.
type Document struct {
	Name     string            `yaml:"-"`
	Region   string            `yaml:"region"`
	Account  string            `yaml:"account"` // owner: the world's when empty
	Type     string            `yaml:"type"`    // "Session" when empty
	Content  string            `yaml:"-"`       // JSON
	Tags     map[string]string `yaml:"tags"`
	Category []string          `yaml:"-"`
}

// Key is a KMS key.
type Key struct {
	ID         string `yaml:"id"`
	Region     string `yaml:"region"`
	Alias      string `yaml:"alias"` // without "alias/"
	AWSManaged bool   `yaml:"aws"`
	Sealed     bool   `yaml:"sealed"` // its key policy does not delegate to IAM and allows no principal here
}

// The kinds of database in RDS.
const (
	DBInstance = "instance"
	DBCluster  = "cluster"
	DBProxy    = "proxy"
)

// Database is a DB instance, a DB cluster or a proxy of RDS. Names are unique
// within their kind and Region. Addresses are made up as RDS makes them; one
// that the sandbox plays greets with its own unless it has a greeting.
type Database struct {
	Service  `yaml:",inline"`  // behind its endpoints
	Place    `yaml:",inline"`  // of a cluster's instance: the cluster's
	Kind     string            `yaml:"-"`
	Name     string            `yaml:"-"` // in lower case, as RDS keeps it
	Region   string            `yaml:"region"`
	Engine   string            `yaml:"engine"`   // "postgres", "aurora-mysql" ...; of a proxy the engine family; of a cluster's instance the cluster's
	Version  string            `yaml:"version"`  // of the engine
	Port     int               `yaml:"port"`     // the engine's own when 0
	Database string            `yaml:"database"` // the first one
	User     string            `yaml:"user"`     // the master user
	IAMAuth  bool              `yaml:"iam_auth"` // accepts IAM tokens as passwords
	Status   string            `yaml:"status"`   // "available" when empty; an instance that is "creating" has no endpoint
	Cluster  string            `yaml:"cluster"`  // of an instance: the name of its cluster
	Custom   []string          `yaml:"custom"`   // of a cluster: names of its custom endpoints
	Tags     map[string]string `yaml:"tags"`
}

// The kinds of cache in ElastiCache.
const (
	CacheGroup      = "group"
	CacheCluster    = "cluster"
	CacheServerless = "serverless"
)

// Cache is a replication group, a cluster or a serverless cache of ElastiCache.
// Names are unique within their kind and Region.
type Cache struct {
	Service `yaml:",inline"` // behind its endpoints, as of a Database
	Place   `yaml:",inline"`
	Kind    string            `yaml:"-"`
	Name    string            `yaml:"-"` // in lower case
	Region  string            `yaml:"region"`
	Engine  string            `yaml:"engine"` // "valkey", "redis", "memcached"
	Version string            `yaml:"version"`
	Port    int               `yaml:"port"`   // the engine's own when 0
	Status  string            `yaml:"status"` // "available" when empty; one that is "creating" has no endpoint
	Shards  int               `yaml:"shards"` // of a group: 0 for one without cluster mode
	Nodes   int               `yaml:"nodes"`  // per shard, or of a cluster; 1 when 0
	TLS     bool              `yaml:"tls"`    // encrypts in transit; a serverless cache always does
	Tags    map[string]string `yaml:"tags"`
}

// Service is a TCP service behind the nodes: a real one at Address, or one that
// the sandbox plays, which greets and then answers each line with the same line.
type Service struct {
	Address  string `yaml:"address"`
	Greeting string `yaml:"greeting"`
}

// Fault is a fault of calls: each field that is set takes effect.
type Fault struct {
	Operation string        `yaml:"operation"` // "iam:GetRole", "iam:*" or "*"
	Call      int           `yaml:"call"`      // the call it strikes, counted from 1 since it was injected; 0: every call
	Delay     time.Duration `yaml:"-"`
	Kind      FaultKind     `yaml:"kind"`
}

// FaultKind is the fault of a call after the delay.
type FaultKind string

// The kinds of fault. The empty one lets the call through.
const (
	Throttle    FaultKind = "throttle"    // "Rate exceeded"
	Unavailable FaultKind = "unavailable" // 503
	Garbage     FaultKind = "garbage"     // 200 with a body that is not an answer
	Drop        FaultKind = "drop"        // the connection is closed without an answer
)
