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

// Endpoint is the address of a database, and what AWS says about the database.
type Endpoint struct {
	Kind     string // "DB cluster", "replication group" ...
	Name     string // its identifier
	Host     string
	Port     int
	Engine   string // "postgres", "aurora-mysql", "redis" ...
	Database string // name of the first database, "" if there is none
	User     string // the master user's name, "" for a cache and a proxy
	IAMAuth  bool   // accepts tokens as passwords; not known of a cache
	TLS      bool   // a cache that encrypts in transit
	Status   string // "available", "stopped" ...
	Shards   int    // number of shards of a cache in cluster mode
	ARN      string // "" without a lookup
	ID       string // its id in ARNs of logins; "" for an instance, whose cluster has it
	Network  Network
}

// Serverless reports whether the endpoint is a serverless cache, which its tokens have
// to state.
func (e Endpoint) Serverless() bool { return e.Kind == kindServerless }

// TakesTokens reports whether users of a cache may log in with tokens: that needs TLS,
// users, and a name of its own.
func (e Endpoint) TakesTokens() bool {
	return e.TLS && e.Engine != "memcached" && (e.Kind == kindGroup || e.Kind == kindServerless)
}

// down are the states in which a database does not answer, from the guides of RDS and
// ElastiCache.
var down = []string{
	"creating", "create-failed", "deleting", "deleted", "failed", "inaccessible-encryption-credentials", "incompatible-network",
	"incompatible-restore", "insufficient-capacity", "restore-error", "restore-failed", "starting", "stopped", "stopping", "suspended",
}

// Down reports whether the database does not answer in its state.
func (e Endpoint) Down() bool { return slices.Contains(down, e.Status) }

// The kinds of endpoint.
const (
	kindCluster    = "DB cluster"
	kindInstance   = "DB instance"
	kindProxy      = "DB proxy"
	kindGroup      = "replication group"
	kindServerless = "serverless cache"
	kindCache      = "cache cluster"
)

// NotFoundError means that no database with a name was found among those that may be
// listed.
type NotFoundError struct {
	Name, Region string
	Kinds        []string // the kinds that were searched
	Known        []string // existing names, as far as they may be listed
	Refused      []error  // AWS's refusals of other lookups, which may have found the name
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

// NoEndpointError means that a database has no endpoint of the wanted kind.
type NoEndpointError struct {
	Kind, Name, Status string
	Reader             bool // a reader was wanted
}

// Error says why the endpoint is missing.
func (e *NoEndpointError) Error() string {
	if e.Reader {
		return fmt.Sprintf("%s %s has no reader endpoint", e.Kind, e.Name)
	}
	return fmt.Sprintf("%s %s has no endpoint: it is %s", e.Kind, e.Name, e.Status)
}

// CallError is a failed call, other than a denial or an unknown name.
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

// SplitAddress splits an endpoint: HOST or HOST:PORT. ok is false for an identifier,
// which has no dots.
func SplitAddress(name string) (host string, port int, ok bool) {
	host = name
	if h, p, err := net.SplitHostPort(name); err == nil {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return "", 0, false
		}
		host = h
	}
	host = canonical(host)
	return host, port, strings.Contains(host, ".")
}

// entry is a database with all its endpoints.
type entry struct {
	Endpoint
	reader address
	more   []address // its other addresses
}

type address struct {
	host string
	port int
}

// at returns the endpoint with a host of the entry; "" is its main one.
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

// known returns the address with a host; of two ports the first.
func (e entry) known(host string) (address, bool) {
	all := append([]address{{e.Host, e.Port}, e.reader}, e.more...)
	i := slices.IndexFunc(all, func(a address) bool { return a.host != "" && strings.EqualFold(a.host, host) })
	if i < 0 {
		return address{}, false
	}
	return all[i], true
}

// source is one describe call for an identifier, or for all entries when it is "", a
// page at a time.
type source struct {
	kind string
	page func(ctx context.Context, id, from string) (found []entry, next string, err error)
}

// mostPages is the limit of pages in a list; a page has up to 100 entries.
const mostPages = 20

// list calls visit for every entry of a source until visit returns false.
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
// refuses is skipped, because another may have the identifier.
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

// byAddress searches all entries for one with an endpoint of this host.
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

// everything lists the entries of sources, as far as they may be listed.
func everything(ctx context.Context, sources []source) []Endpoint {
	var all []Endpoint
	for _, s := range sources {
		//nolint:errcheck // entries listed before an error are returned
		s.list(ctx, func(e entry) bool { all = append(all, e.Endpoint); return true })
	}
	return all
}

// refused reports whether AWS denied a call.
func refused(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}

// absences are the error codes for a name that does not exist or is not valid.
var absences = []string{
	"DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault", "DBProxyNotFoundFault",
	"ReplicationGroupNotFoundFault", "ServerlessCacheNotFoundFault", "CacheClusterNotFound", "CacheClusterNotFoundFault", "InvalidParameterValue",
}

func absent(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(absences, api.ErrorCode())
}
