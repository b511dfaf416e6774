package awsdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Endpoint is where a database listens, and what it says of itself.
type Endpoint struct {
	Kind     string // "DB cluster", "replication group" ...
	Name     string // its identifier
	Host     string
	Port     int
	Engine   string // "postgres", "aurora-mysql", "redis" ...
	Database string // the first one's name, "" when there is none
	User     string // the master user's name, "" for a cache and a proxy
	IAMAuth  bool   // takes tokens for passwords; of a cache it is not known
	TLS      bool   // a cache that encrypts in transit
	Status   string // "available", "stopped" ...
	Shards   int    // of a cache with cluster mode
	ARN      string // "" for what was not looked up
	ID       string // what stands for it in ARNs of logins; "" for an instance whose cluster has it
}

// Serverless tells of a cache whether tokens for it name it as serverless.
func (e Endpoint) Serverless() bool { return e.Kind == kindServerless }

// TakesTokens tells of a cache whether its users may log in with tokens: it needs
// TLS, users, and a name of its own.
func (e Endpoint) TakesTokens() bool {
	return e.TLS && e.Engine != "memcached" && (e.Kind == kindGroup || e.Kind == kindServerless)
}

// down are the states in which nothing answers, as the guides of RDS and
// ElastiCache list them.
var down = []string{
	"creating", "create-failed", "deleting", "deleted", "failed", "inaccessible-encryption-credentials", "incompatible-network",
	"incompatible-restore", "insufficient-capacity", "restore-error", "restore-failed", "starting", "stopped", "stopping", "suspended",
}

// Down tells whether nothing answers there in its state.
func (e Endpoint) Down() bool { return slices.Contains(down, e.Status) }

// What there is to look for.
const (
	kindCluster    = "DB cluster"
	kindInstance   = "DB instance"
	kindProxy      = "DB proxy"
	kindGroup      = "replication group"
	kindServerless = "serverless cache"
	kindCache      = "cache cluster"
)

// NotFoundError says that a name leads nowhere, as far as could be seen.
type NotFoundError struct {
	Name, Region string
	Kinds        []string // that were looked through
	Known        []string // what there is instead, as far as it could be listed
	Refused      []error  // AWS's refusals of the other lookups; with them the name may exist
}

// Error names the kinds and the name, or what was refused.
func (e *NotFoundError) Error() string {
	if len(e.Kinds) == 0 {
		return fmt.Sprintf("looking up %s: %v", e.Name, errors.Join(e.Refused...))
	}
	return fmt.Sprintf("no %s %q in %s", either(e.Kinds), e.Name, e.Region)
}

// Unwrap returns the refusals.
func (e *NotFoundError) Unwrap() []error { return e.Refused }

// either joins words with commas and "or".
func either(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

// NoEndpointError says that a database has no endpoint of the wanted sort.
type NoEndpointError struct {
	Kind, Name, Status string
	Reader             bool // a reader was wanted
}

// Error says why there is none.
func (e *NoEndpointError) Error() string {
	if e.Reader {
		return fmt.Sprintf("%s %s has no reader endpoint", e.Kind, e.Name)
	}
	return fmt.Sprintf("%s %s has no endpoint: it is %s", e.Kind, e.Name, e.Status)
}

// CallError is a call that failed, and neither for want of permission nor because
// something is not there.
type CallError struct {
	Operation string // "DescribeDBClusters"
	Err       error
}

// Error says in short why the call failed.
func (e *CallError) Error() string {
	var api smithy.APIError
	var sent *smithyhttp.RequestSendError
	var answer *smithy.DeserializationError
	switch {
	case errors.As(e.Err, &api):
		return fmt.Sprintf("%s: %s: %s", e.Operation, api.ErrorCode(), api.ErrorMessage())
	case errors.As(e.Err, &sent):
		return fmt.Sprintf("%s: %v", e.Operation, sent.Err)
	case errors.As(e.Err, &answer):
		return fmt.Sprintf("%s: the answer cannot be read: %v", e.Operation, answer.Err)
	}
	return fmt.Sprintf("%s: %v", e.Operation, e.Err)
}

// Unwrap returns the SDK's error.
func (e *CallError) Unwrap() error { return e.Err }

// failed wraps an error of the SDK.
func failed(err error) error {
	var call *smithy.OperationError
	if !errors.As(err, &call) {
		return err
	}
	return &CallError{call.OperationName, call.Err}
}

// SplitAddress takes a name that is an endpoint apart: HOST or HOST:PORT. An
// identifier has no dots and is none.
func SplitAddress(name string) (host string, port int, ok bool) {
	host = name
	if h, p, err := net.SplitHostPort(name); err == nil {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return "", 0, false
		}
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, port, strings.Contains(host, ".")
}

// entry is a database with all its endpoints.
type entry struct {
	Endpoint
	reader address
	more   []address // by which it is known, too
}

type address struct {
	host string
	port int
}

// at returns the endpoint at an address of the entry, "" meaning its own.
func (e entry) at(host string, reader bool) (Endpoint, error) {
	out := e.Endpoint
	if reader {
		out.Host, out.Port = e.reader.host, e.reader.port
	} else if a, ok := e.known(host); ok {
		out.Host, out.Port = a.host, a.port
	}
	if out.Host == "" {
		return Endpoint{}, &NoEndpointError{Kind: e.Kind, Name: e.Name, Status: e.Status, Reader: reader && e.Host != ""}
	}
	return out, nil
}

// known returns the endpoint with a host; of one host with two ports the first.
func (e entry) known(host string) (address, bool) {
	all := append([]address{{e.Host, e.Port}, e.reader}, e.more...)
	i := slices.IndexFunc(all, func(a address) bool { return a.host != "" && strings.EqualFold(a.host, host) })
	if i < 0 {
		return address{}, false
	}
	return all[i], true
}

// source is one describe call: of what has an identifier, or of everything when
// it is "", a page at a time.
type source struct {
	kind string
	page func(ctx context.Context, id, from string) (found []entry, next string, err error)
}

// mostPages bounds how much is listed; a page has up to 100 entries.
const mostPages = 20

// list calls visit for everything of a source until visit returns false.
func (s source) list(ctx context.Context, visit func(entry) bool) error {
	from := ""
	for range mostPages {
		found, next, err := s.page(ctx, "", from)
		if err != nil {
			return err
		}
		for _, e := range found {
			if !visit(e) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		from = next
	}
	return nil
}

// byName looks an identifier up in one source after the other. A source that AWS
// refuses to show is passed over: what is wanted may be in another.
func byName(ctx context.Context, sources []source, region, id string) (entry, error) {
	missing := &NotFoundError{Name: id, Region: region}
	var seen []source
	for _, s := range sources {
		found, _, err := s.page(ctx, id, "")
		switch {
		case refused(err):
			missing.Refused = append(missing.Refused, err)
		case absent(err), err == nil && len(found) == 0:
			missing.Kinds, seen = append(missing.Kinds, s.kind), append(seen, s)
		case err != nil:
			return entry{}, failed(err)
		default:
			return found[0], nil
		}
	}
	for _, e := range everything(ctx, seen) {
		missing.Known = append(missing.Known, e.Name)
	}
	return entry{}, missing
}

// byAddress looks through everything for what has a host among its endpoints.
func byAddress(ctx context.Context, sources []source, region, host string) (entry, error) {
	missing := &NotFoundError{Name: host, Region: region}
	for _, s := range sources {
		var hit *entry
		err := s.list(ctx, func(e entry) bool {
			if _, ok := e.known(host); ok {
				hit = &e
			}
			return hit == nil
		})
		switch {
		case hit != nil:
			return *hit, nil
		case refused(err):
			missing.Refused = append(missing.Refused, err)
		case err != nil:
			return entry{}, failed(err)
		default:
			missing.Kinds = append(missing.Kinds, s.kind)
		}
	}
	return entry{}, missing
}

// everything lists what sources hold, as far as it may be listed.
func everything(ctx context.Context, sources []source) []Endpoint {
	var all []Endpoint
	for _, s := range sources {
		//nolint:errcheck // what was listed before an error counts
		s.list(ctx, func(e entry) bool { all = append(all, e.Endpoint); return true })
	}
	return all
}

// refused tells whether AWS denied a call.
func refused(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}

// absences are the codes for a name that there is not, or that there cannot be.
var absences = []string{
	"DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault", "DBProxyNotFoundFault",
	"ReplicationGroupNotFoundFault", "ServerlessCacheNotFoundFault", "CacheClusterNotFound", "CacheClusterNotFoundFault", "InvalidParameterValue",
}

func absent(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(absences, api.ErrorCode())
}
