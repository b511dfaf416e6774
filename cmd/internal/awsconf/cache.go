package awsconf

import (
	"context"
	"crypto/sha1" // names of cache files, as the CLI chose them
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsjson"
	"ssmguard/internal/private"
)

// freshFor is the time before expiry from which cached credentials are not used.
const freshFor = 15 * time.Minute

// cacheEntry is one file of the CLI's credential cache, ~/.aws/cli/cache.
type cacheEntry struct {
	ProviderType string `json:",omitempty"`
	Credentials  struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	AssumedRoleUser *assumedRole `json:",omitempty"`
}

type assumedRole struct {
	ID  string `json:"AssumedRoleId"`
	Arn string
}

func newEntry(key, secret, token string, until time.Time) *cacheEntry {
	e := &cacheEntry{}
	e.Credentials.AccessKeyID, e.Credentials.SecretAccessKey, e.Credentials.SessionToken = key, secret, token
	e.Credentials.Expiration = until.UTC().Format("2006-01-02T15:04:05") + "UTC"
	return e
}

func (e *cacheEntry) credentials() (aws.Credentials, error) {
	until, err := parseTime(e.Credentials.Expiration)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{AccessKeyID: e.Credentials.AccessKeyID, SecretAccessKey: e.Credentials.SecretAccessKey,
		SessionToken: e.Credentials.SessionToken, CanExpire: true, Expires: until}, nil
}

// cacheKey is the sha1 of json.dumps(args, sort_keys=True) with the given
// separators, which names a file of the cache.
func cacheKey(args map[string]any, comma, colon string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(args)) {
		v := ""
		switch a := args[k].(type) {
		case string:
			v = awsjson.Quote(a)
		case int:
			v = strconv.Itoa(a)
		}
		parts = append(parts, awsjson.Quote(k)+colon+v)
	}
	return sha1Hex("{" + strings.Join(parts, comma) + "}")
}

func sha1Hex(s string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(s))) }

func sha256Hex(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// cached returns credentials from the CLI's cache while they are fresh, otherwise those
// of fetch, which it caches. kind is stored in the entry.
func (l *loader) cached(key, kind string, fetch func(context.Context) (*cacheEntry, error)) provider {
	path := l.scope.env.aws("cli", "cache", key+".json")
	return func(ctx context.Context) (aws.Credentials, error) {
		var e cacheEntry
		usable := mayCache(l.scope.env.aws())
		if usable && readJSON(path, &e) == nil {
			if c, err := e.credentials(); err == nil && c.HasKeys() && l.now().Add(freshFor).Before(c.Expires) {
				return c, nil
			}
		}
		fresh, err := fetch(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		fresh.ProviderType = kind
		c, err := fresh.credentials()
		if err != nil {
			return c, err
		}
		if usable && l.judge(c) == nil {
			_ = writeJSON(path, fresh) // a failure costs one call next time
		}
		return c, nil
	}
}

// mayCache reports whether nobody but the user and root can put credentials into the cache
// of a directory ~/.aws. Root uses that of another user, which a container may have from
// its host.
func mayCache(dir string) bool {
	var distrusted *private.DistrustError
	err := private.CheckDir("", dir, "cli", "cache")
	return !errors.As(err, &distrusted) || distrusted.Foreign && os.Geteuid() == 0
}

// checkToken returns an *Error that begins with what if the file of a login, base/names[0]/...,
// or a directory on the way belongs to another user: whoever put a token there would have
// the user work in an account of theirs.
func checkToken(what, base string, names ...string) error {
	var foreign *private.DistrustError
	if errors.As(private.CheckOwners(base, names...), &foreign) {
		return errorf(CodeOther, "%s: %v; %s", what, foreign, foreign.Advice())
	}
	return nil
}

func readJSON(path string, to any) error {
	data, err := cacheBound.readFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// writeJSON replaces a file with v in one step, readable by its owner only.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return private.WriteFile(path, data)
}
