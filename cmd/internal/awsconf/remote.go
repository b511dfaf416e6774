package awsconf

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/internal/nettext"
)

// remoteCredentials is the answer of the container and instance endpoints. An endpoint
// without credentials may answer with status 200 and an error text.
type remoteCredentials struct {
	AccessKeyID, SecretAccessKey, Token, Expiration *string

	Code, Message, Error any
}

// lacks names the missing members and quotes the endpoint's error text; "" when no
// member is missing. The rest of the answer is not quoted, because it may have a
// secret.
func (r remoteCredentials) lacks() string {
	for _, m := range []struct {
		name  string
		value *string
	}{{"AccessKeyId", r.AccessKeyID}, {"SecretAccessKey", r.SecretAccessKey}, {"Token", r.Token}, {"Expiration", r.Expiration}} {
		if m.value != nil && (*m.value != "" || m.name == "Token") {
			continue
		}
		var words []string
		for _, v := range []any{r.Code, r.Message, r.Error} {
			if s, ok := v.(string); ok && s != "" {
				words = append(words, s)
			}
		}
		if words == nil {
			return "the answer has no " + m.name
		}
		return "the answer has no " + m.name + "; it says " + awscli.Quote(shortened(strings.Join(words, ": ")))
	}
	return ""
}

// credentials returns the credentials of a complete answer.
func (r remoteCredentials) credentials() (aws.Credentials, error) {
	until, err := parseTime(*r.Expiration)
	return aws.Credentials{AccessKeyID: *r.AccessKeyID, SecretAccessKey: *r.SecretAccessKey, SessionToken: *r.Token,
		CanExpire: true, Expires: until}, err
}

// quoteLength is how much of an endpoint's text is quoted.
const quoteLength = 300

// shortened cuts an endpoint's text to quoteLength.
func shortened(text string) string {
	if rs := []rune(text); len(rs) > quoteLength {
		return string(rs[:quoteLength]) + "…"
	}
	return text
}

// onOneLine makes an endpoint's text part of a message, without control characters.
func onOneLine(text string) string {
	return shortened(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}

const containerRole = "container-role"

const (
	containerHost    = "http://169.254.170.2"
	containerTimeout = 2 * time.Second
	containerTries   = 3
)

// containerHosts are the hosts, beside loopback addresses, that may be asked for
// credentials.
var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"}

// container is the link for the credentials of a task or pod. They are fetched at once, as in the CLI.
func (l *loader) container() (provider, error) {
	full, ok := l.scope.env.lookup("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if rel, relative := l.scope.env.lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative {
		full, ok = containerHost+rel, true
	}
	if !ok {
		return nil, nil
	}
	u, err := url.Parse(full)
	if err != nil {
		return nil, errorf(CodeOther, "Invalid URL: %s", full)
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); u.Scheme != "https" && (ip == nil || !ip.IsLoopback()) && !slices.Contains(containerHosts, host) {
		return nil, errorf(CodeOther, "Unsupported host '%s'.  Can only retrieve metadata from a loopback address or one of these hosts: %s",
			cmp.Or(host, "None"), strings.Join(containerHosts, ", "))
	}
	return l.fetched(func(ctx context.Context) (aws.Credentials, error) { return l.fetchContainer(ctx, full) })
}

// fetched runs fetch now and keeps the answer for the first request.
func (l *loader) fetched(fetch provider) (provider, error) {
	c, err := fetch(l.ctx)
	if err != nil {
		return nil, err
	}
	first := &c
	return func(ctx context.Context) (aws.Credentials, error) {
		if c := first; c != nil {
			first = nil
			if !c.CanExpire || l.now().Before(c.Expires) {
				return *c, nil
			}
		}
		return fetch(ctx)
	}, nil
}

func (l *loader) fetchContainer(ctx context.Context, uri string) (aws.Credentials, error) {
	header := http.Header{"Accept": {"application/json"}}
	token, hasToken := l.scope.env.lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path, ok := l.scope.env.lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); ok {
		data, err := tokenBound.readFile(path)
		if err != nil {
			return aws.Credentials{}, errorf(CodeOther, "%v", err)
		}
		token, hasToken = string(data), true
	}
	if hasToken {
		if strings.ContainsAny(token, "\r\n") {
			return aws.Credentials{}, errorf(CodeOther, "Auth token value is not a legal header value")
		}
		header.Set("Authorization", token)
	}
	var fault string
	for range containerTries {
		var r remoteCredentials
		var status *errStatus
		body, err := l.clients.get(ctx, http.MethodGet, uri, header, containerTimeout)
		switch {
		case errors.As(err, &status):
			fault = fmt.Sprintf("Received non 200 response %d from container metadata: %s", status.status, onOneLine(status.body))
		case isBound(err):
			return aws.Credentials{}, retrievalError(containerRole, "Error retrieving metadata: "+nettext.Of(err))
		case err != nil:
			fault = "Received error when attempting to retrieve container metadata: " + unanswered(err, Call{Endpoint: uri}).Message
		case json.Unmarshal(body, &r) != nil:
			fault = "Unable to parse JSON returned from container metadata services"
		case r.lacks() != "": // a retry would not help
			return aws.Credentials{}, retrievalError(containerRole, "Error retrieving metadata: "+r.lacks())
		default:
			return r.credentials()
		}
	}
	return aws.Credentials{}, retrievalError(containerRole, "Error retrieving metadata: "+fault)
}

// errStatus is an answer other than 200.
type errStatus struct {
	status int
	body   string
}

func (e *errStatus) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// get calls a metadata endpoint, without a proxy for link-local addresses.
func (c *clients) get(ctx context.Context, method, uri string, header http.Header, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := c.linkLocal().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := metadataBound.read(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = &errStatus{resp.StatusCode, string(body)}
	}
	return body, err
}

// metadata is the instance metadata service with its settings.
type metadata struct {
	clients *clients
	base    string
	timeout time.Duration
	tries   int
	first   bool        // version 1 of the service, without tokens, is allowed
	header  http.Header // has a token if the service gives one; nil before the first request
}

func (l *loader) metadata() *metadata {
	if strings.EqualFold(l.scope.env.get("AWS_EC2_METADATA_DISABLED"), "true") {
		return nil
	}
	base := "http://169.254.169.254"
	if l.scope.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode") == "ipv6" {
		base = "http://[fd00:ec2::254]"
	}
	base = cmp.Or(l.scope.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"), base)
	timeout, tries, _ := l.scope.metadataLimits()
	return &metadata{clients: &l.clients, base: strings.TrimRight(base, "/"), timeout: seconds(max(timeout, 1)), tries: max(tries, 1),
		first: !isTrue(l.scope.get("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"))}
}

// metadataLimits returns settings of the metadata service that must be numbers, even if
// the service is not used.
func (s scope) metadataLimits() (timeout, tries int, err error) {
	if timeout, err = s.number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1); err != nil {
		return timeout, 1, err
	}
	tries, err = s.number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 1)
	return timeout, tries, err
}

var errNoToken = errorf(CodeOther, "Error retrieving metadata: Unable to retrieve token for use in IMDSv2 call and IMDSv1 has been disabled")

// get requests a path, with as many attempts as the settings say.
func (m *metadata) get(ctx context.Context, method, path string, header http.Header) (body []byte, err error) {
	for range m.tries {
		if body, err = m.clients.get(ctx, method, m.base+path, header, m.timeout); err == nil || isBound(err) {
			break
		}
	}
	return body, err
}

// read returns a path of the metadata, with a session token of the service. A service
// without tokens answers with an error status; then version 1 is used, or the error is
// errNoToken.
func (m *metadata) read(ctx context.Context, path string) (string, error) {
	if m.header == nil {
		token, err := m.get(ctx, http.MethodPut, "/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"21600"}})
		var status *errStatus
		switch {
		case err == nil:
			m.header = http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
		case !errors.As(err, &status) || status.status == http.StatusBadRequest:
			return "", err
		case !m.first:
			return "", errNoToken
		default:
			m.header = http.Header{}
		}
	}
	body, err := m.get(ctx, http.MethodGet, path, m.header)
	return strings.TrimSpace(string(body)), err
}

// extension is how long expired credentials of an instance are still used.
const extension = 10 * time.Minute

const rolePath = "/latest/meta-data/iam/security-credentials/"

// instance is the link for the credentials of an EC2 instance; it has none when the
// metadata service does not answer.
func (l *loader) instance() (provider, error) {
	if l.metadata() == nil {
		return nil, nil
	}
	p, err := l.fetched(func(ctx context.Context) (aws.Credentials, error) {
		m := l.metadata() // a new one each time: its token expires before the credentials
		role, err := m.read(ctx, rolePath)
		if err != nil {
			return aws.Credentials{}, err
		}
		body, err := m.read(ctx, rolePath+role)
		if err != nil {
			return aws.Credentials{}, err
		}
		var r remoteCredentials
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return aws.Credentials{}, noCredentials("the instance's answer is not JSON")
		}
		if lacks := r.lacks(); lacks != "" {
			return aws.Credentials{}, noCredentials("the instance: " + lacks)
		}
		c, err := r.credentials()
		if soon := l.now().Add(extension); err == nil && c.Expires.Before(soon) {
			c.Expires = soon // the service is late with new ones; EC2 still accepts the old ones
		}
		return c, err
	})
	var own *Error
	switch {
	case isBound(err):
		return nil, noCredentials("the instance: " + innermost(err))
	case err != nil && !errors.As(err, &own):
		return nil, nil // no answer
	}
	return p, err
}

// instanceRegion is the region of the EC2 instance we run on, "" if there is none.
func (l *loader) instanceRegion() string {
	m := l.metadata()
	if m == nil {
		return ""
	}
	zone, err := m.read(l.ctx, "/latest/meta-data/placement/availability-zone/")
	if err != nil || zone == "" {
		return ""
	}
	return zone[:len(zone)-1]
}
