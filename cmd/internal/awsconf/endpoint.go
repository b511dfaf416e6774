package awsconf

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
)

// endpoints are the settings of the environment and the profile about endpoints.
type endpoints struct {
	env             environment
	profile         section
	services        section // the profile's services section
	ignore          bool    // configured endpoints are ignored
	fips, dualStack bool
}

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

func newEndpoints(s scope, services map[string]section) endpoints {
	return endpoints{
		env: s.env, profile: s.profile, services: services[s.profile.values["services"]],
		ignore:    isTrue(s.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")),
		fips:      isTrue(s.get("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")),
		dualStack: isTrue(s.get("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")),
	}
}

// configured returns the configured endpoint of a service, given by its SDK name, such
// as "SSO OIDC"; "" if the rules decide.
func (e endpoints) configured(id string) string {
	if e.ignore {
		return ""
	}
	name := strings.ReplaceAll(id, " ", "_")
	candidates := []string{
		e.env.get("AWS_ENDPOINT_URL_" + strings.ToUpper(name)),
		e.env.get("AWS_ENDPOINT_URL"),
		e.services.nested[strings.ToLower(name)]["endpoint_url"],
		e.profile.values["endpoint_url"],
	}
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

// alone returns the endpoint that is configured for one service and no other, "" for none. As
// ever, a variable for all services goes before the profile's services section.
func (e endpoints) alone(id string) string {
	own := e.env.get("AWS_ENDPOINT_URL_" + strings.ToUpper(id))
	switch {
	case e.ignore:
		return ""
	case own != "" || e.env.get("AWS_ENDPOINT_URL") != "":
		return own
	}
	return e.services.nested[strings.ToLower(id)]["endpoint_url"]
}

// check refuses a services section that is missing or malformed, when the endpoint of a
// service would be read from it.
func (e endpoints) check(id string) error {
	name, asked := e.profile.get("services")
	key := strings.ReplaceAll(id, " ", "_")
	if e.ignore || !asked || e.env.get("AWS_ENDPOINT_URL_"+strings.ToUpper(key)) != "" || e.env.get("AWS_ENDPOINT_URL") != "" {
		return nil
	}
	if e.services.values == nil {
		return errorf(CodeOther, "The profile is configured to use the services section but the %q services configuration does not exist.", name)
	}
	if _, flat := e.services.get(strings.ToLower(key)); flat {
		return errorf(CodeOther, "'str' object has no attribute 'get'")
	}
	return nil
}

// checkEndpoint refuses an endpoint that cannot be the URL of a service.
func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err == nil && u.Host != "" && (validHost(u.Hostname()) || strings.HasPrefix(u.Host, "[")) {
		return nil
	}
	return errorf(CodeOther, "Invalid endpoint: %s", endpoint)
}

func validHost(host string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

// validLabel reports whether s can be one label of a host name.
func validLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// checkRegion refuses a region that cannot be part of a host name.
func checkRegion(region string) error {
	if validLabel(region) && strings.Trim(region, "0123456789") != "" {
		return nil
	}
	return errorf(CodeOther, "Provided region_name '%s' doesn't match a supported format.", region)
}

// service is the configuration of the service that a command calls, and its
// endpoint as written. flagged is the endpoint of the command line.
func (c *clients) service(id string, p provider, flagged string, how trust) (aws.Config, string, error) {
	cfg := c.config(id, p)
	cfg.HTTPClient = c.transports.client(how)
	endpoint := flagged
	if endpoint == "" {
		if err := c.endpoints.check(id); err != nil {
			return cfg, "", err
		}
		endpoint = c.endpoints.configured(id)
	}
	if endpoint == "" {
		rules, err := awsapi.StandardEndpoint(strings.ToLower(id), c.region, c.endpoints.fips, c.endpoints.dualStack)
		if c.region == "" {
			return cfg, "", errorf(CodeOther, "Invalid endpoint: https://%s..amazonaws.com", strings.ToLower(id))
		}
		if err != nil {
			return cfg, "", errorf(CodeOther, "%v", err)
		}
		return cfg, rules, nil
	}
	e := c.endpoints
	e.fips, e.dualStack, e.ignore = false, false, true
	cfg.ConfigSources = []any{sources{e, c.endpoints.configured(messagesID), c.endpoints.alone(messagesID), c.clock}}
	cfg.BaseEndpoint = &endpoint
	return cfg, endpoint, checkEndpoint(endpoint)
}
