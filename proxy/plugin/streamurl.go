package plugin

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/session-manager-plugin/src/sdkutil"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// lead sets the stream URL to that at which the data channel is opened, or returns why it may not
// be. A parent of ours has done so; other callers pass on what AWS has answered to them. Old ones
// do not pass the endpoint: then it is that of the environment, or of AWS.
func (c *child) lead() error {
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
	messages := messagesEndpoint()
	stream, err := awsssm.Gateways{API: endpoint, Region: c.session.Region, Messages: messages,
		Configured: []string{messages, os.Getenv("AWS_ENDPOINT_URL")}}.Lead(proxy.NewSecret(c.session.StreamUrl))
	if err == nil {
		c.session.StreamUrl = stream.Reveal()
	}
	return err
}

// messagesEndpoint is the endpoint that the environment, or the profile's services section, has
// for data channels alone, "" for none.
func messagesEndpoint() string {
	if strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	if own := os.Getenv("AWS_ENDPOINT_URL_SSMMESSAGES"); own != "" || os.Getenv("AWS_ENDPOINT_URL") != "" {
		return own
	}
	cfg, err := sdkutil.GetConfigWithQuickCheck(context.Background(), "")
	if err != nil {
		return ""
	}
	for _, source := range cfg.ConfigSources {
		if shared, ok := source.(config.SharedConfig); ok {
			return shared.Services.ServiceValues[awsssm.MessagesID]["endpoint_url"]
		}
	}
	return ""
}
