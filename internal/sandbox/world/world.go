package world

import "time"

// World is what an account holds when it is opened. Names are unique within
// their list; every policy document is IAM policy JSON.
type World struct {
	Partition string // "aws" when empty
	Account   string // twelve digits
	Region    string // home region: of resources that name none
	Seed      uint64 // decides what AWS decides at random, such as the resource a denial names

	Organization *Organization     // nil: the account is in no organization
	Endpoint     *Policy           // policy of the VPC endpoint every request comes through; nil: none
	Context      map[string]string // request keys of every request, such as aws:SourceIp; win over the server's own
	Denials      DenialStyle
	OldSimulator bool          // the simulator answers as before 2026-07-30
	Delay        time.Duration // time every call takes before it is answered

	Policies  []Policy // managed policies that can be attached
	Users     []User
	Groups    []Group
	Roles     []Role
	Logins    []Login
	Nodes     []Node
	Tasks     []Task
	Documents []Document
	Keys      []Key
	Databases []Database
	Caches    []Cache
}

// DenialStyle says which of AWS's forms an AccessDenied message has.
type DenialStyle struct {
	PolicyARN bool // name the policy of an explicit deny by ARN
	Newlines  bool // newlines between the parts
	Plain     bool // no reason, as before 2021
	Encoded   bool // EC2 answers with an encoded message
}

// Policy is one policy document. Of a managed policy, AWS means that AWS owns it.
type Policy struct {
	Name, Path string
	AWS        bool
	Document   string
}

// Organization is the account's place in an organization.
type Organization struct {
	ID                string // o-...
	ManagementAccount string // account id; the account itself when equal to World.Account
	Delegated         bool   // the account is a delegated administrator for policies
	Levels            []Level
}

// Level is one level of an organization, from the root down to the account.
type Level struct {
	ID         string // r-..., ou-... or the account id
	Name       string
	SCPs, RCPs []Policy // RCPFullAWSAccess is implied
}

// Principal is what users and roles share.
type Principal struct {
	Name, Path string
	ID         string // AIDA... or AROA...; made up when empty
	Tags       map[string]string
	Attached   []string // names of managed policies
	Inline     []Policy
	Boundary   string // name of a managed policy; "" means none
}

// User is an IAM user.
type User struct {
	Principal
	Groups []string
}

// Role is an IAM role. Trust lists who may assume it: account ids, principal
// ARNs, "*", or "federated:PROVIDER" for web identities.
type Role struct {
	Principal
	Trust    []string
	TrustMFA bool // only with MFA
}

// Group is an IAM group.
type Group struct {
	Name, Path string
	Attached   []string
	Inline     []Policy
}

// Login is one set of credentials the account has handed out.
type Login struct {
	Name      string // what it is chosen by; a profile's name
	Principal string // "user/NAME", "role/NAME", "federated/NAME" or "root"
	Session   string // role session name; the Name when empty
	Temporary bool   // of a user or root: credentials of GetSessionToken
	MFA       bool
	Provider  string   // web identity provider of a role session
	Policies  []string // session policies
	Tags      map[string]string
	Expired   bool

	AccessKeyID, SecretAccessKey string // made up when empty
}

// Node is an EC2 instance (i-...) or a managed instance (mi-...).
type Node struct {
	ID, Region  string
	Account     string // the world's when empty; nodes of other accounts cannot be reached
	Tags        map[string]string
	State       string // EC2 instance state; "running" when empty
	Ping        string // Online, ConnectionLost, Inactive, or "" for a node without agent
	Agent       string // agent version
	Platform    string // "Linux" when empty
	PrivateIP   string
	PrivateDNS  string
	Profile     string // name of the instance profile
	Unreachable bool   // Online, and still refuses sessions
}

// Task is an ECS task. Its target is ecs:CLUSTER_ID_RUNTIME.
type Task struct {
	Cluster, ID, Region  string
	Containers           []Container
	Tags                 map[string]string
	Stopped, ExecDisable bool
}

// Container is one container of a task.
type Container struct {
	Name, RuntimeID string
}

// Document is an SSM document the account can see.
type Document struct {
	Name, Region string
	Account      string // owner: the world's when empty
	Type         string // "Session" when empty
	Content      string // JSON
	Tags         map[string]string
	Category     []string
}

// Key is a KMS key.
type Key struct {
	ID, Region, Alias string // alias without "alias/"
	AWSManaged        bool
	Sealed            bool // its key policy does not delegate to IAM, and names nobody here
}

// The kinds of database that RDS tells apart.
const (
	DBInstance = "instance"
	DBCluster  = "cluster"
	DBProxy    = "proxy"
)

// Database is a DB instance, a DB cluster or a proxy of RDS. Names are unique
// within their kind and Region. Addresses are made up as RDS makes them.
type Database struct {
	Kind, Name, Region string   // Name in lower case, as RDS keeps it
	Engine             string   // "postgres", "aurora-mysql" ...; of a proxy the engine family; of a cluster's instance the cluster's
	Version            string   // of the engine
	Port               int      // the engine's own when 0
	Database, User     string   // the first database, the master user
	IAMAuth            bool     // takes IAM tokens for passwords
	Status             string   // "available" when empty; an instance that is "creating" has no endpoint
	Cluster            string   // of an instance: the name of its cluster
	Custom             []string // of a cluster: names of its custom endpoints
	Tags               map[string]string
}

// The kinds of cache that ElastiCache tells apart.
const (
	CacheGroup      = "group"
	CacheCluster    = "cluster"
	CacheServerless = "serverless"
)

// Cache is a replication group, a cluster or a serverless cache of ElastiCache.
// Names are unique within their kind and Region.
type Cache struct {
	Kind, Name, Region string // Name in lower case
	Engine             string // "valkey", "redis", "memcached"
	Version            string
	Port               int    // the engine's own when 0
	Status             string // "available" when empty; one that is "creating" has no endpoint
	Shards             int    // of a group: 0 for one without cluster mode
	Nodes              int    // per shard, or of a cluster; 1 when 0
	TLS                bool   // encrypts in transit; a serverless cache always does
	Tags               map[string]string
}
