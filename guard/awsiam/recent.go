package awsiam

import (
	"context"
	"encoding/json"
	"time"

	"ssmguard/guard"
)

// Cached reports whether anything this client has answered came from the cache
// on disk. A denial that rests on it must be asked again after Refresh.
func (a *answers) Cached() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fromDisk
}

// Refresh forgets what was asked, and reads from AWS from now on; the cache is
// then only written.
func (a *answers) Refresh() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memo, a.fresh, a.fromDisk = newMemo(), true, false
}

// Allowed is what is kept of a request that was found allowed.
type Allowed struct {
	At          time.Time // when
	SessionType string    // what its document's sessions are, as in guard.Facts; "" when not read
}

// RecentlyAllowed returns when the same request was last found allowed for the
// same credentials, if that was a moment ago. AWS still decides, so the session
// may start on it; nothing else may.
func (c *Client) RecentlyAllowed(ctx context.Context, r guard.Request) (Allowed, bool) {
	var a Allowed
	key, ok := c.allowKey(ctx, r)
	if !ok || !c.recall(key, &a) {
		return Allowed{}, false
	}
	return a, true
}

// RememberAllowed keeps for RecentlyAllowed that the request is allowed. Call it
// for an Allow verdict only, or better once StartSession has succeeded.
func (c *Client) RememberAllowed(ctx context.Context, r guard.Request, sessionType string) {
	if key, ok := c.allowKey(ctx, r); ok {
		c.keep(key, Allowed{time.Now().UTC(), sessionType}, allowAge)
	}
}

// ForgetAllowed takes back what RememberAllowed kept, because AWS refused.
func (c *Client) ForgetAllowed(ctx context.Context, r guard.Request) {
	if key, ok := c.allowKey(ctx, r); ok {
		c.cache.remove(key)
	}
}

// allowKey names the entry of a request. It holds the access key, not the
// caller, so that no call to AWS is needed to find it.
func (c *Client) allowKey(ctx context.Context, r guard.Request) (string, bool) {
	if c.cache == nil || c.credentials == nil {
		return "", false
	}
	creds, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return "", false
	}
	what, err := json.Marshal(struct {
		Region, Target, Document, Container string
		Parameters, Context                 map[string][]string
	}{r.Region, r.Target, r.Document, r.Container, r.Parameters, r.Context})
	if err != nil {
		return "", false
	}
	return c.cacheKey("allow", creds.AccessKeyID, string(what)), true
}
