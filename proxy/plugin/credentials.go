package plugin

import (
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/session-manager-plugin/src/sdkutil"

	"ssmguard/proxy"
)

// keyVariables are where the SDK looks for keys first.
var keyVariables = [...]string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// authorize asks the parent for the credentials that hold now, and hands them to
// the SDK. It is to be called before each use. They are put into the environment, too, for what
// the child does once its parent is gone. refused is
// the code by which AWS has refused the last ones, "" if it has not. Without
// parent, or if the parent has none to give, the SDK finds its own.
func (c *child) authorize(refused string) error {
	if c.events == nil {
		return nil
	}
	a := c.ask(event{Refused: refused})
	switch {
	case a.Error != "":
		return errors.New(a.Error)
	case a.AccessKeyID == "":
		return nil
	}
	c.sign(aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, SessionToken: a.SessionToken})
	for i, value := range []string{a.AccessKeyID, a.SecretAccessKey, a.SessionToken} {
		os.Setenv(keyVariables[i], value)
	}
	if c.profile != "" {
		// Its settings still count, but its credentials must not: keys in the
		// environment beat AWS_PROFILE, and lose to an explicit profile.
		os.Setenv("AWS_PROFILE", c.profile)
		sdkutil.SetRegionAndProfile(sdkutil.GetRegion(), "")
	}
	return nil
}

// skipVariable tells the official plugin not to look for credentials to sign the
// websocket's request with.
const skipVariable = "SSM_PLUGIN_SKIP_CLIENT_CONFIGURE"

// sign sets the credentials with which the websocket's requests are signed, unless the
// user does not want them signed.
func (c *child) sign(keys aws.Credentials) {
	if !c.unsigned {
		c.session.Signer, c.session.Credentials = v4.NewSigner(), keys
		os.Setenv(skipVariable, "true") // they are known
	}
}

// keepOwn returns what takes the parent's credentials back, so that the SDK finds
// those that it would have found without us.
func (c *child) keepOwn() (restore func()) {
	own := make(map[string]string)
	for _, name := range append(keyVariables[:], "AWS_PROFILE") {
		if value, ok := os.LookupEnv(name); ok {
			own[name] = value
		}
	}
	return func() {
		for _, name := range append(keyVariables[:], "AWS_PROFILE") {
			os.Unsetenv(name)
		}
		for name, value := range own {
			os.Setenv(name, value)
		}
		sdkutil.SetRegionAndProfile(sdkutil.GetRegion(), c.profile)
	}
}

// refusal is the code by which AWS has refused a call, "" if err is something else.
func refusal(err error) string {
	var parents *callError
	var own *proxy.Refused
	switch {
	case errors.As(err, &parents):
		return parents.code
	case errors.As(err, &own):
		return own.Code
	}
	return ""
}
