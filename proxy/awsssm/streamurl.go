package awsssm

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
)

// MessagesID is the name by which the endpoint of data channels is configured, as in
// AWS_ENDPOINT_URL_SSMMESSAGES.
const MessagesID = "ssmmessages"

// Gateways says where a session's data channel may lead: the token and a signed request
// go there. AWS names the place in its answer; what was configured decides whether it is
// believed.
type Gateways struct {
	API        *url.URL // the endpoint that answered, of Systems Manager or of ECS
	Region     string
	Configured []string // further endpoints that the user has configured, "" for none
	Messages   string   // the endpoint that the user has configured for data channels alone, "" for none
}

// Lead returns the stream URL at which the data channel is opened: that of AWS's answer, or its
// path and query at the endpoint for data channels, as for an interface endpoint in a VPC that has
// a name of its own. The error is a *StreamURLError.
func (g Gateways) Lead(stream proxy.Secret) (proxy.Secret, error) {
	if g.Messages == "" {
		return stream, g.Check(stream)
	}
	g.Configured = append([]string{g.Messages}, g.Configured...)
	u, err := url.Parse(stream.Reveal())
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.User != nil || u.Opaque != "" {
		return stream, g.Check(stream)
	}
	endpoint, err := url.Parse(g.Messages)
	scheme, known := map[string]string{"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[strings.ToLower(endpointScheme(endpoint))]
	switch {
	case err != nil || !known || endpoint.Hostname() == "" || endpoint.User != nil:
		return stream, &StreamURLError{"AWS_ENDPOINT_URL_SSMMESSAGES, or endpoint_url for ssmmessages in the profile's services, is no URL of an endpoint, so nothing was sent"}
	case endpoint.Port() == "" && strings.EqualFold(endpoint.Hostname(), u.Hostname()):
		return stream, g.Check(stream) // AWS may name a port
	}
	u.Scheme, u.Host = scheme, endpoint.Host
	if base := strings.TrimRight(endpoint.Path, "/"); base != "" {
		u.Path, u.RawPath = base+u.Path, ""
	}
	led := proxy.NewSecret(u.String())
	return led, g.Check(led)
}

// endpointScheme is the scheme of a URL, "" for none.
func endpointScheme(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Scheme
}

// StreamURLError is a stream URL that is not used.
type StreamURLError struct{ text string }

// Error says what is wrong with the URL and what to do. Of the URL, which is a secret, it has
// the host alone.
func (e *StreamURLError) Error() string { return e.text }

// Check returns a *StreamURLError unless the URL is of a websocket, encrypted if the API
// was called by https, at a host that belongs to the API's endpoint: the same host, the
// one beside it that is called ssmmessages, or one that AWS has for data channels: of a VPC
// endpoint in the region, or of any region with the domain of the region's partition, FIPS and
// dual-stack included, since AWS alone gives names in that domain. An endpoint on loopback
// may name any port there.
func (g Gateways) Check(stream proxy.Secret) error {
	u, err := url.Parse(stream.Reveal())
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return &StreamURLError{"the session's stream URL is malformed, so nothing was sent"}
	case u.Scheme == "ws" && g.API.Scheme == "https":
		return &StreamURLError{fmt.Sprintf("the stream URL leads to %q without TLS, although AWS was called over https, so nothing was sent", u.Hostname())}
	case u.Scheme != "ws" && u.Scheme != "wss":
		return &StreamURLError{"the session's stream URL is not one of a websocket, so nothing was sent"}
	}
	host := strings.ToLower(u.Hostname())
	for _, endpoint := range append([]string{g.API.String()}, g.Configured...) {
		if own, err := url.Parse(endpoint); err == nil && beside(host, strings.ToLower(own.Hostname())) {
			return nil
		}
	}
	if port := u.Port(); (port == "" || port == "443") && ofAWS(host, g.Region) {
		return nil
	}
	return &StreamURLError{fmt.Sprintf("the stream URL leads to %q, which is no host of %s://%s, so nothing was sent; "+
		"if the host is right, set AWS_ENDPOINT_URL_SSMMESSAGES to it", u.Hostname(), g.API.Scheme, g.API.Host)}
}

// beside reports whether the host is that of an endpoint, or its neighbour for data
// channels.
func beside(host, endpoint string) bool {
	if endpoint == "" {
		return false
	}
	service, domain, _ := strings.Cut(endpoint, ".")
	switch {
	case host == endpoint:
		return true
	case onLoopback(endpoint):
		return onLoopback(host)
	case net.ParseIP(endpoint) != nil || !strings.Contains(domain, "."):
		return false
	}
	return host == MessagesID+"."+domain || strings.HasSuffix(service, fips) && host == MessagesID+fips+"."+domain
}

const fips = "-fips"

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ofAWS reports whether AWS's rules give the host to the data channels of a region, or of
// another with the same domain.
func ofAWS(host, region string) bool {
	for _, kind := range []struct{ fips, dualStack bool }{{}, {fips: true}, {dualStack: true}, {true, true}} {
		standard, err := awsapi.StandardEndpoint(MessagesID, region, kind.fips, kind.dualStack)
		if err != nil {
			continue // no such kind in the region's partition
		}
		own, err := url.Parse(standard)
		if err != nil {
			continue
		}
		service, domain, _ := strings.Cut(own.Hostname(), ".")
		rest, ours := strings.CutPrefix(host, service+".")
		if other, ok := strings.CutSuffix(rest, strings.TrimPrefix(domain, region)); ours && ok && namesRegion(other) {
			return true
		}
		zone := "." + service + "." + strings.Replace(domain, region+".", region+".vpce.", 1)
		if id, ok := strings.CutSuffix(host, zone); ok && strings.HasPrefix(id, "vpce-") && !strings.Contains(id, ".") {
			return true
		}
	}
	return false
}

// namesRegion reports whether a label of a host name is a region's: words and a number, such
// as us-gov-west-1. The names of S3 buckets stand before labels that are none: s3, s3-eu-west-1.
func namesRegion(label string) bool {
	words := strings.Split(label, "-")
	number := words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return len(words) > 2 && number != "" && strings.Trim(number, "0123456789") == ""
}

// gateways are those of a configuration whose API answered at an endpoint.
func gateways(ctx context.Context, cfg aws.Config, api *awsapi.API, further ...string) (Gateways, error) {
	endpoint, err := api.Endpoint(ctx)
	if err != nil {
		return Gateways{}, err
	}
	return Gateways{API: endpoint, Region: cfg.Region, Configured: append(further, configuredMessages(ctx, cfg)), Messages: messagesAlone(cfg)}, nil
}

// messagesAlone is the endpoint that is configured for data channels and no other service, ""
// for none.
func messagesAlone(cfg aws.Config) string {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface{ DataChannelEndpoint() string }); ok {
			return s.DataChannelEndpoint()
		}
	}
	return ""
}

// configuredMessages is the endpoint that is configured for data channels, "" for none.
func configuredMessages(ctx context.Context, cfg aws.Config) string {
	for _, source := range cfg.ConfigSources {
		s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if endpoint, found, err := s.GetServiceBaseEndpoint(ctx, MessagesID); found && err == nil {
			return endpoint
		}
	}
	return ""
}
