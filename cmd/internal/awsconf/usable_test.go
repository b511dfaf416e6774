package awsconf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

// A member is one of a JSON object, with its comma; nothing where the value is "-".
func member(name, value string) string {
	if value == "-" {
		return ""
	}
	return fmt.Sprintf(",%q:%q", name, value)
}

// element is one of an XML document; nothing where the value is "-".
func element(name, value string) string {
	if value == "-" {
		return ""
	}
	return "<" + name + ">" + value + "</" + name + ">"
}

// A given has the values of a source of credentials; "-" is left out.
type given struct{ id, secret, expires string }

const roleAlone = "[profile b]\naws_access_key_id = AKIDB\naws_secret_access_key = s\n" +
	"[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nrole_session_name = sess\nsource_profile = b\n"

const ssoLegacy = "[profile p]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = Admin\n"

var ssoNew = strings.ReplaceAll(ssoConfigText, "profile sso", "profile p")

// roleCacheFile and ssoCacheFile are the CLI's names for what is kept of roleAlone
// and ssoNew.
var (
	roleCacheFile = "cli/cache/175d090882904d61f291b0f821afc3c4efd51ae1.json"
	ssoCacheFile  = "cli/cache/8457bc68cf9d4aa8d629a61563948e8bd3159d49.json"
)

func cached(g given) string {
	return `{"Credentials":{"SessionToken":"t"` + member("AccessKeyId", g.id) + member("SecretAccessKey", g.secret) + member("Expiration", g.expires) + `}}`
}

func assumedAs(operation string, g given) string {
	return "<" + operation + "Response><" + operation + "Result><Credentials><SessionToken>t</SessionToken>" +
		element("AccessKeyId", g.id) + element("SecretAccessKey", g.secret) + element("Expiration", g.expires) +
		"</Credentials></" + operation + "Result></" + operation + "Response>"
}

func remote(g given) string {
	return `{"Token":"t"` + member("AccessKeyId", g.id) + member("SecretAccessKey", g.secret) + member("Expiration", g.expires) + `}`
}

// sourcesOf is every place that credentials come from: each sets up a home whose
// profile p, or whose environment where there is no config, has what is given.
var sourcesOf = map[string]func(t *testing.T, c *cloud, h *home, g given){
	"environment": func(_ *testing.T, _ *cloud, h *home, g given) {
		for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": g.id, "AWS_SECRET_ACCESS_KEY": g.secret, "AWS_CREDENTIAL_EXPIRATION": g.expires} {
			if v != "-" {
				h.env[k] = v
			}
		}
	},
	"credentials file": func(t *testing.T, _ *cloud, h *home, g given) { h.write(t, "credentials", keysSection("[p]\n", g)) },
	"config file":      func(t *testing.T, _ *cloud, h *home, g given) { h.write(t, "config", keysSection("[profile p]\n", g)) },
	"boto": func(t *testing.T, _ *cloud, h *home, g given) {
		bother(t, h, "BOTO_CONFIG", keysSection("[Credentials]\n", g))
	},
	"old tools": func(t *testing.T, _ *cloud, h *home, g given) {
		bother(t, h, "AWS_CREDENTIAL_FILE", strings.NewReplacer("aws_access_key_id", "AWSAccessKeyId", "aws_secret_access_key", "AWSSecretKey").Replace(keysSection("", g)))
	},
	"process": func(t *testing.T, _ *cloud, h *home, g given) {
		h.write(t, "config", "[profile p]\ncredential_process = echo '{\"Version\":1"+member("AccessKeyId", g.id)+member("SecretAccessKey", g.secret)+member("Expiration", g.expires)+"}'\n")
	},
	"role": func(t *testing.T, c *cloud, h *home, g given) {
		h.write(t, "config", roleAlone)
		c.own["AssumeRole"] = assumedAs("AssumeRole", g)
	},
	"role's cache": func(t *testing.T, _ *cloud, h *home, g given) {
		h.write(t, "config", roleAlone)
		h.write(t, roleCacheFile, cached(g))
	},
	"web identity": func(t *testing.T, c *cloud, h *home, g given) {
		bother(t, h, "AWS_WEB_IDENTITY_TOKEN_FILE", "jwt-token")
		h.env["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/w"
		c.own["AssumeRoleWithWebIdentity"] = assumedAs("AssumeRoleWithWebIdentity", g)
	},
	"SSO": func(t *testing.T, c *cloud, h *home, g given) {
		h.write(t, "config", ssoNew)
		ssoTokenFile(t, h, "2099-01-01T00:00:00Z")
		expires := ""
		if until, err := parseTime(g.expires); err == nil {
			expires = fmt.Sprintf(`,"expiration":%d`, until.UnixMilli())
		} else {
			expires = member("expiration", g.expires)
		}
		c.own["GET /federation/credentials"] = `{"roleCredentials":{"sessionToken":"t"` + member("accessKeyId", g.id) + member("secretAccessKey", g.secret) + expires + `}}`
	},
	"SSO's cache": func(t *testing.T, _ *cloud, h *home, g given) {
		h.write(t, "config", ssoNew)
		ssoTokenFile(t, h, "2099-01-01T00:00:00Z")
		h.write(t, ssoCacheFile, cached(g))
	},
	"login": func(t *testing.T, c *cloud, h *home, g given) {
		h.write(t, "config", "[profile p]\nlogin_session = "+loginSession+"\n")
		newSignin(t).login(h, 0)
		h.env["AWS_ENDPOINT_URL_SIGNIN"] = c.URL
		name := "login/cache/" + sha256Hex(loginSession) + ".json"
		file, err := os.ReadFile(filepath.Join(h.dir, ".aws", name))
		if err != nil {
			t.Fatal(err)
		}
		old, rest, _ := strings.Cut(string(file), "}")
		begin, _, _ := strings.Cut(old, `"accessToken":`)
		h.write(t, name, begin+`"accessToken":{"sessionToken":"t"`+member("accessKeyId", g.id)+member("secretAccessKey", g.secret)+member("expiresAt", g.expires)+"}"+rest)
		c.own["POST /v1/token"] = `{"accessToken":{"accessKeyId":"ASIALOGIN","secretAccessKey":"s","sessionToken":"t"},"expiresIn":900,"refreshToken":"r"}`
	},
	"login's renewal": func(t *testing.T, c *cloud, h *home, g given) {
		h.write(t, "config", "[profile p]\nlogin_session = "+loginSession+"\n")
		newSignin(t).login(h, 0)
		h.env["AWS_ENDPOINT_URL_SIGNIN"] = c.URL
		expires := ""
		if strings.HasPrefix(g.expires, "2099") {
			expires = `,"expiresIn":900`
		}
		c.own["POST /v1/token"] = `{"accessToken":{"sessionToken":"t"` + member("accessKeyId", g.id) + member("secretAccessKey", g.secret) + `}` + expires + `,"refreshToken":"r"}`
	},
	"container": func(_ *testing.T, c *cloud, h *home, g given) {
		h.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = c.URL + "/creds"
		c.own["GET /creds"] = remote(g)
	},
	"instance": func(_ *testing.T, c *cloud, h *home, g given) {
		h.env["AWS_EC2_METADATA_DISABLED"], h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "", c.URL
		c.own["GET "+rolePath+"role"] = remote(g)
	},
}

func keysSection(head string, g given) string {
	for _, k := range []struct{ name, value string }{{"aws_access_key_id", g.id}, {"aws_secret_access_key", g.secret}} {
		if k.value != "-" {
			head += k.name + " = " + k.value + "\n"
		}
	}
	return head
}

// bother writes a file that a variable names.
func bother(t *testing.T, h *home, variable, content string) {
	h.write(t, variable, content)
	h.env[variable] = filepath.Join(h.dir, ".aws", variable)
}

// use runs a command with credentials of a source as far as a call of its own, and
// returns the key that signs it. Without one nothing may be signed at all.
func use(t *testing.T, source string, set func(*testing.T, *cloud, *home, given), g given) (string, error) {
	t.Helper()
	c := newCloud(t)
	h := newHome(t, c, "")
	set(t, c, h, g)
	var args []string
	for _, name := range []string{"config", "credentials"} {
		if file, _ := os.ReadFile(filepath.Join(h.dir, ".aws", name)); len(file) > 0 {
			args = []string{"--profile", "p"}
		}
	}
	s, err := h.session(args...)
	if err != nil {
		return "", err
	}
	c.own["GetCallerIdentity"] = "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
	_, err = sts.NewFromConfig(s.Config).GetCallerIdentity(context.Background(), nil)
	signer := ""
	for _, call := range c.seen() {
		if who, ok := strings.CutPrefix(call, "GetCallerIdentity by "); ok {
			signer = who
		} else if strings.HasPrefix(call, "GetCallerIdentity") {
			t.Errorf("%s: a call without a key: %s", source, call)
		}
	}
	var own *Error
	if errors.As(err, &own) {
		err = own
	}
	return signer, err
}

// TestExpiry: the end of credentials, and of the tokens they are had with, is
// honoured wherever it stands: they serve, are refused, or are had anew.
func TestExpiry(t *testing.T) {
	const (
		unknown = "Unknown string format: soon"
		late    = "Credentials were refreshed, but the refreshed credentials are still expired."
		lacks   = "Error when retrieving credentials from container-role: Error retrieving metadata: the answer has no Expiration"
		refused = "Error loading login session token: Unable to refresh access token due to an invalid service response. " +
			"Please try running 'aws login' again. If the issue persists, there may be a temporary signin service problem."
	)
	ends := [4]string{"2099-01-01T00:00:00Z", "2019-12-31T23:59:59Z", "-", "soon"}
	for source, want := range map[string][4]string{ // by the ends
		"environment":     {"AKID", late, "AKID", unknown},
		"process":         {"AKID", late, "AKID", unknown},
		"role":            {"AKID", late, late, "soon"},
		"role's cache":    {"AKID", "ASIAROLE", "ASIAROLE", "ASIAROLE"},
		"web identity":    {"AKID", late, late, "soon"},
		"SSO":             {"AKID", late, late, "expected number, got"},
		"SSO's cache":     {"AKID", "ASIASSO", "ASIASSO", "ASIASSO"},
		"login":           {"AKID", "ASIALOGIN", "Error loading login session token: Failed to load access token from token cache, missing required fields: expiresAt.", unknown},
		"login's renewal": {"AKID", refused, refused, refused},
		"container":       {"AKID", late, lacks, unknown},
		"instance": {"AKID", "AKID", // EC2 is late with new ones and goes on to take the old
			`Unable to locate credentials. You can configure credentials by running "aws login". (the instance: the answer has no Expiration)`, unknown},
		"SSO's token": {"ASIASSO", "Error when retrieving token from sso: Token has expired and refresh failed",
			"Error loading SSO Token: Token for corp is invalid", "Error loading SSO Token: Token for corp is invalid"},
		"SSO's token, refreshed": {"ASIASSO", "ASIASSO", "Error loading SSO Token: Token for corp is invalid", "Error loading SSO Token: Token for corp is invalid"},
		"SSO's token of the old form": {"ASIASSO", errSSOUnauthorized.Message,
			"Error loading SSO Token: Token for https://corp.example/start is invalid", "Error loading SSO Token: Token for https://corp.example/start is invalid"},
		"role's cache, from its source": {"ASIAROLE", late, "ASIAROLE", unknown},
	} {
		set := sourcesOf[source]
		switch source {
		case "SSO's token", "SSO's token, refreshed":
			set = func(t *testing.T, c *cloud, h *home, g given) {
				h.write(t, "config", ssoNew)
				ssoTokenFile(t, h, strings.TrimPrefix(g.expires, "-"))
				if source == "SSO's token" {
					c.refuse["POST /token"] = "InvalidGrantException"
				}
			}
		case "SSO's token of the old form":
			set = func(t *testing.T, _ *cloud, h *home, g given) {
				h.write(t, "config", ssoLegacy)
				h.write(t, "sso/cache/"+sha1Hex("https://corp.example/start")+".json", `{"accessToken":"a"`+member("expiresAt", g.expires)+`}`)
			}
		case "role's cache, from its source":
			set = func(t *testing.T, c *cloud, h *home, g given) {
				sourcesOf["environment"](t, c, h, g)
				h.write(t, "config", strings.Replace(roleAlone, "source_profile = b", "credential_source = Environment", 1))
			}
		}
		for i, end := range ends {
			key, err := use(t, source, set, given{"AKID", "s", end})
			if got := key + text(err); got != want[i] && (key != "" || !strings.Contains(got, want[i])) {
				t.Errorf("%s that ends %q: %s, want %s", source, end, got, want[i])
			}
		}
	}
}

// TestKeyless: nothing is signed where a key is missing or empty, whatever the
// source, also where it is a role that would be assumed.
func TestKeyless(t *testing.T) {
	const end = "2099-01-01T00:00:00Z"
	anew := map[string]string{"role's cache": "ASIAROLE", "SSO's cache": "ASIASSO"}
	none := `Unable to locate credentials. You can configure credentials by running "aws login".`
	absent := map[string]bool{"environment": true, "config file": true, "credentials file": true, "boto": true, "old tools": true}
	for source, set := range sourcesOf {
		for _, g := range []given{{"", "s", end}, {"-", "s", end}, {"AKID", "", end}, {"AKID", "-", end}, {"", "", end}, {"-", "-", end}} {
			key, err := use(t, source, set, g)
			var own *Error
			errors.As(err, &own)
			switch {
			case anew[source] != "":
				if key != anew[source] || err != nil {
					t.Errorf("%s with %q: %s %v, want %s", source, g, key, err, anew[source])
				}
			case key != "" || own == nil || own.Code != CodeOther && own.Code != CodeConfig:
				t.Errorf("%s with %q: signed by %q, %v", source, g, key, err)
			case source == "instance" && (own.Code != CodeConfig || !strings.HasPrefix(own.Message, none+" (the instance: the answer has no ")):
				t.Errorf("%s with %q: %v", source, g, err)
			case own.Message == none && !(absent[source] && (g.id == "-" || g.id == "")):
				t.Errorf("%s with %q: found no credentials", source, g)
			}
		}
	}
}

// TestKeylessSource: a role is not assumed with half a key.
func TestKeylessSource(t *testing.T) {
	for _, named := range []string{"Environment", "EcsContainer", "Ec2InstanceMetadata"} {
		c := newCloud(t)
		h := newHome(t, c, "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = "+named+"\n")
		for _, source := range []string{"environment", "container", "instance"} {
			sourcesOf[source](t, c, h, given{"AKID", "", "2099-01-01T00:00:00Z"})
		}
		key, err := h.key("--profile", "p")
		var own *Error
		if key != "" || !errors.As(err, &own) || own.Code != CodeOther {
			t.Errorf("%s: %s %v", named, key, err)
		}
		for _, call := range c.seen() {
			if strings.HasPrefix(call, "AssumeRole") {
				t.Errorf("%s: %s", named, call)
			}
		}
	}
}

// TestEndpointSays: an endpoint that has no credentials says why, and that is
// passed on: in quotes, not too long, without what a terminal would obey, and
// without the rest of the answer.
func TestEndpointSays(t *testing.T) {
	container := "Error when retrieving credentials from container-role: Error retrieving metadata: the answer has no AccessKeyId"
	instance := `Unable to locate credentials. You can configure credentials by running "aws login". (the instance: the answer has no AccessKeyId`
	for name, tc := range map[string]struct{ answer, want string }{
		"nothing":  {`{}`, ""},
		"code":     {`{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role r"}`, `; it says 'AssumeRoleUnauthorizedAccess: EC2 cannot assume the role r'`},
		"message":  {`{"message":"not logged in"}`, `; it says 'not logged in'`},
		"error":    {`{"error":"no role","Message":{"a":1}}`, `; it says 'no role'`},
		"controls": {`{"Message":"\u001b[2Ja\nb\u202ec"}`, `; it says '\x1b[2Ja\nb\u202ec'`},
		"length":   {`{"Message":"` + strings.Repeat("é", 400) + `"}`, `; it says '` + strings.Repeat("é", 300) + `…'`},
		"secret":   {`{"SecretAccessKey":"hidden","Token":"hidden"}`, ""},
	} {
		for kind, where := range map[string]struct {
			source, call, want string
			calls              []string
		}{
			"container": {"container", "GET /creds", container + tc.want, []string{"GET /creds"}},
			"instance":  {"instance", "GET " + rolePath + "role", instance + tc.want + ")", []string{"PUT /latest/api/token", "GET " + rolePath, "GET " + rolePath + "role"}},
		} {
			c := newCloud(t)
			h := newHome(t, c, "")
			sourcesOf[where.source](t, c, h, given{})
			c.own[where.call] = tc.answer
			if key, err := h.key(); key != "" || text(err) != where.want {
				t.Errorf("%s of the %s: %s %v\nwant %s", name, kind, key, err, where.want)
			}
			if diff := cmp.Diff(where.calls, c.seen()); diff != "" {
				t.Errorf("%s of the %s: calls (-want +got):\n%s", name, kind, diff)
			}
		}
	}
	c := newCloud(t)
	h := newHome(t, c, "")
	sourcesOf["container"](t, c, h, given{})
	c.refuse["GET /creds"], c.own["GET /creds"] = "x", "go\x1b[2Jaway\n"+strings.Repeat("!", 400)
	want := "Error when retrieving credentials from container-role: Error retrieving metadata: " +
		"Received non 200 response 403 from container metadata: go [2Jaway " + strings.Repeat("!", 289) + "…"
	if _, err := h.key(); text(err) != want {
		t.Errorf("%q, want %q", err, want)
	}
}
