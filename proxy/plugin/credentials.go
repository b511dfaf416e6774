package plugin

import (
	"errors"
	"os"

	"github.com/aws/session-manager-plugin/src/sdkutil"
	"github.com/aws/smithy-go"
)

// keyVariables are where the SDK looks for keys first.
var keyVariables = [...]string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// authorize asks the parent for the credentials that hold now, and hands them to
// the SDK. It is to be called before each use: the official plugin makes a new
// configuration for every call, which finds them in the environment. refused is
// the code by which AWS has refused the last ones, "" if it has not. Without
// parent, or if the parent has none to give, the SDK finds its own.
func (c *child) authorize(refused string) error {
	if c.events == nil {
		return nil
	}
	c.events.report(event{Asks: true, Refused: refused})
	a := <-c.answers
	switch {
	case a.Error != "":
		return errors.New(a.Error)
	case a.AccessKeyID == "":
		return nil
	}
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
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
