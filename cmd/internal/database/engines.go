package database

import (
	"cmp"
	"slices"
	"strings"
)

// Family is the protocol that an engine speaks, and the scheme of its URLs.
type Family string

// The families.
const (
	Postgres  Family = "postgresql"
	MySQL     Family = "mysql"
	SQLServer Family = "sqlserver"
	Oracle    Family = "oracle"
	DB2       Family = "db2"
	Redis     Family = "redis"
	Memcached Family = "memcached"
	MongoDB   Family = "mongodb"
	HTTP      Family = "https"
	Cassandra Family = "cassandra"
)

// Token is the kind of the tokens that an engine takes for passwords.
type Token string

// The kinds of tokens.
const (
	NoToken    Token = ""
	TokenRDS   Token = "rds-db"      // signed for host and port
	TokenCache Token = "elasticache" // signed for the cache's name
	TokenDSQL  Token = "dsql"        // signed for the bare host
)

// Engine is what is known of one kind of database server.
type Engine struct {
	Name   string   // as --engine and the key engine of a file take it
	Title  string   // for people
	Family Family   // decides which forms and clients suit it
	AWS    []string // how the names begin that the APIs of AWS give it
	Hosts  []string // labels of the names that AWS gives its endpoints
	Ports  []int    // its well-known ports; another engine of the family may have them
	Token  Token
	// Without says why there is no token, and what AWS has instead; a sentence's end that
	// follows a colon.
	Without string
	TLS     bool // servers refuse connections without TLS
	// Members says what clients do that ask a server for its members, "" if they do not.
	Members string
}

// engines is the table of engines. An engine that is added here is known to every
// command; see CONTRIBUTING.md.
var engines = []Engine{
	{Name: "postgres", Title: "PostgreSQL", Family: Postgres, AWS: []string{"postgres", "aurora-postgres"}, Ports: []int{5432}, Token: TokenRDS},
	{Name: "mysql", Title: "MySQL", Family: MySQL, AWS: []string{"mysql", "aurora"}, Ports: []int{3306}, Token: TokenRDS},
	{Name: "mariadb", Title: "MariaDB", Family: MySQL, AWS: []string{"mariadb"}, Token: TokenRDS},
	{Name: "sqlserver", Title: "SQL Server", Family: SQLServer, AWS: []string{"sqlserver", "custom-sqlserver"}, Ports: []int{1433},
		Without: "its users have passwords, or tickets of a directory"},
	{Name: "oracle", Title: "Oracle", Family: Oracle, AWS: []string{"oracle", "custom-oracle"}, Ports: []int{1521},
		Without: "its users have passwords, or tickets of a directory"},
	{Name: "db2", Title: "Db2", Family: DB2, AWS: []string{"db2"}, Ports: []int{50000}, Without: "its users have passwords, or tickets of a directory"},
	{Name: "redis", Title: "Redis", Family: Redis, AWS: []string{"redis"}, Hosts: []string{"cache"}, Ports: []int{6379}, Token: TokenCache},
	{Name: "valkey", Title: "Valkey", Family: Redis, AWS: []string{"valkey"}, Token: TokenCache},
	{Name: "memcached", Title: "memcached", Family: Memcached, AWS: []string{"memcached"}, Ports: []int{11211}, Without: "it has no users",
		Members: "clients that find its nodes by themselves connect to each of them, past the tunnel"},
	{Name: "mongodb", Title: "MongoDB", Family: MongoDB, Ports: []int{27017}, Without: "its users have passwords, or its drivers sign with the caller's own keys (authMechanism=MONGODB-AWS)",
		Members: replicas},
	{Name: "documentdb", Title: "Amazon DocumentDB", Family: MongoDB, AWS: []string{"docdb"}, Hosts: []string{"docdb"}, TLS: true,
		Without: "its drivers sign with the caller's own keys (authMechanism=MONGODB-AWS, authSource=$external)", Members: replicas},
	{Name: "dsql", Title: "Aurora DSQL", Family: Postgres, Hosts: []string{"dsql"}, Token: TokenDSQL, TLS: true},
	{Name: "redshift", Title: "Amazon Redshift", Family: Postgres, Hosts: []string{"redshift", "redshift-serverless"}, Ports: []int{5439},
		Without: "it makes temporary passwords, by `aws redshift get-cluster-credentials-with-iam` and `aws redshift-serverless get-credentials`"},
	{Name: "neptune", Title: "Amazon Neptune", Family: HTTP, AWS: []string{"neptune"}, Hosts: []string{"neptune"}, Ports: []int{8182}, TLS: true,
		Without: "each request is signed instead (SigV4 for neptune-db), as awscurl and the SDKs do"},
	{Name: "opensearch", Title: "OpenSearch", Family: HTTP, Hosts: []string{"es", "aoss"}, Ports: []int{9200}, TLS: true,
		Without: "each request is signed instead (SigV4 for es or aoss), or has a user and a password",
		Members: "clients that ask for its nodes (sniffing) leave the tunnel; turn that off"},
	{Name: "cassandra", Title: "Cassandra", Family: Cassandra, Hosts: []string{"cassandra"}, Ports: []int{9042, 9142},
		Without: "drivers of Amazon Keyspaces sign by a plugin (SigV4), and its other users have passwords of the service",
		Members: "drivers ask for the other nodes and connect to them, past the tunnel"},
}

// replicas is what drivers of MongoDB do with a URL that is not ours.
const replicas = "without directConnection=true drivers connect to the members that the server names, past the tunnel"

// Facts are what may tell the engine behind a tunnel.
type Facts struct {
	Asked string // the name that the user gave
	AWS   string // the name that an API of AWS gave
	Host  string // the server's own name
	Port  int    // its port
}

// Of returns the engine that the facts tell, the first of them that tells one; the zero
// Engine if none does.
func Of(f Facts) Engine {
	for _, e := range engines {
		if f.Asked == e.Name {
			return e
		}
	}
	if e := ofAWS(f.AWS); e.Name != "" || f.AWS != "" {
		return e
	}
	for _, e := range engines {
		if slices.ContainsFunc(e.Hosts, func(label string) bool { return isOfAWS(f.Host) && strings.Contains("."+f.Host, "."+label+".") }) {
			return e
		}
	}
	for _, e := range engines {
		if slices.Contains(e.Ports, f.Port) {
			return e
		}
	}
	return Engine{}
}

// ofAWS returns the engine by the name of an API of AWS: that with the longest beginning of
// it.
func ofAWS(name string) (found Engine) {
	longest := 0
	for _, e := range engines {
		for _, begin := range e.AWS {
			if strings.HasPrefix(name, begin) && len(begin) > longest {
				found, longest = e, len(begin)
			}
		}
	}
	return found
}

// isOfAWS reports whether a host has a name that AWS gives.
func isOfAWS(host string) bool {
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// Refusal says why the engine takes no tokens, "" if it takes some.
func (e Engine) Refusal() string {
	if e.Token != NoToken {
		return ""
	}
	return cmp.Or(e.Title, "this server") + " takes no IAM tokens: " + e.Without
}
