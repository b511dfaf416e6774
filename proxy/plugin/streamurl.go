package plugin

import (
	"cmp"
	"net/url"
	"os"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// distrusts returns why the data channel may not be opened at its stream URL, nil if it may.
// A parent of ours has checked the answer; other callers pass on what AWS has answered to
// them. Old ones do not pass the endpoint: then it is that of the environment, or of AWS.
func (c *child) distrusts() error {
	if c.events != nil {
		return nil
	}
	api := cmp.Or(c.spec.Endpoint, os.Getenv("AWS_ENDPOINT_URL_SSM"), os.Getenv("AWS_ENDPOINT_URL"))
	if api == "" {
		standard, err := awsapi.StandardEndpoint("ssm", c.session.Region, false, false)
		if err != nil {
			return err
		}
		api = standard
	}
	endpoint, err := url.Parse(api)
	if err != nil {
		return err
	}
	return awsssm.Gateways{API: endpoint, Region: c.session.Region,
		Configured: []string{os.Getenv("AWS_ENDPOINT_URL_SSMMESSAGES"), os.Getenv("AWS_ENDPOINT_URL")}}.Check(proxy.NewSecret(c.session.StreamUrl))
}
