package awsdb

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"ssmguard/internal/awsapi"
)

// tokenLife is how long a token can be used to log in, in seconds; connections last
// longer.
const tokenLife = "900"

// Token makes a password for a user of an RDS database who authenticates with IAM: it
// is valid for 15 minutes and for the database at host and port, by its real name.
// Nothing is sent. See "Connecting to your DB instance using IAM authentication" in the
// RDS user guide.
func Token(ctx context.Context, cfg aws.Config, host string, port int, user string) (string, error) {
	host = canonical(host)
	at := net.JoinHostPort(host, strconv.Itoa(port))
	return presign(ctx, inRegionOf(cfg, host), "rds-db", at, url.Values{"Action": {"connect"}, "DBUser": {user}})
}

// CacheToken is Token for a user of ElastiCache: it names the cache, not its
// address. See "Authenticating with IAM" in the ElastiCache user guide.
func CacheToken(ctx context.Context, cfg aws.Config, cache string, serverless bool, user string) (string, error) {
	query := url.Values{"Action": {"connect"}, "User": {user}}
	if serverless {
		query.Set("ResourceType", "ServerlessCache")
	}
	return presign(ctx, cfg, "elasticache", strings.ToLower(cache), query)
}

// DSQLToken is Token for a role of an Aurora DSQL cluster. It is signed for the bare host,
// without a port; the role admin has an action of its own. See "Generating authentication
// tokens" in the Aurora DSQL user guide.
func DSQLToken(ctx context.Context, cfg aws.Config, host, user string) (string, error) {
	host = canonical(host)
	action := "DbConnect"
	if user == "admin" {
		action = "DbConnectAdmin"
	}
	cfg = cfg.Copy()
	if part := strings.Split(host, "."); len(part) > 2 { // ID.dsql.REGION.on.aws
		cfg.Region = part[2]
	}
	return presign(ctx, cfg, "dsql", host, url.Values{"Action": {action}})
}

// canonical returns a host as AWS writes it, however a person did. botocore, which the AWS CLI
// signs with, takes the signature of such a host, too, and puts it into the token as it was
// typed; the SDK for Go signs it as it was typed.
func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// presign signs a GET that is never sent and returns its URL without the scheme.
func presign(ctx context.Context, cfg aws.Config, service, host string, query url.Values) (string, error) {
	query.Set("X-Amz-Expires", tokenLife)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, (&url.URL{Scheme: "https", Host: host, Path: "/", RawQuery: query.Encode()}).String(), nil)
	if err != nil {
		return "", err
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of an empty body
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, credentials, r, nothing, service, cfg.Region, awsapi.ClockOf(cfg).Now())
	return strings.TrimPrefix(signed, "https://"), err
}

// Login returns the permission that a user needs to log in with a token: the action and
// the resources, which must all be granted; no resources if they are not known. See the
// service authorization references of RDS IAM authentication and of ElastiCache.
func (e Endpoint) Login(user string) (action string, resources []string) {
	part := strings.SplitN(e.ARN, ":", 6) // arn:PARTITION:SERVICE:REGION:ACCOUNT:...
	switch {
	case len(part) < 6:
		return "", nil
	case e.TakesTokens():
		part[5] = "user:" + user
		return "elasticache:Connect", []string{e.ARN, strings.Join(part, ":")}
	case e.ID == "" || part[2] != "rds":
		return "", nil
	}
	part[2], part[5] = "rds-db", "dbuser:"+e.ID+"/"+user
	return "rds-db:connect", []string{strings.Join(part, ":")}
}
