package awsiam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ssmguard/internal/private"
)

// How long answers stay good on disk. An allow verdict may be a little old,
// because AWS still decides; a denial is never kept.
const (
	identityAge = 10 * time.Minute
	policyAge   = 5 * time.Minute
	allowAge    = 2 * time.Minute
	managedAge  = 30 * 24 * time.Hour // a version of an AWS-managed policy never changes
)

// managedEntry begins the names of the entries that live long.
const managedEntry = "managed"

// cacheFormat is part of every key, so that a new layout never reads an old file.
const cacheFormat = "ssmguard cache 1"

// maxCacheFile bounds what is read back.
const maxCacheFile = 4 << 20

// CacheKind is the directory below Options.CacheDir for answers of AWS.
const CacheKind = "evidence"

// cache keeps answers in files of their own, readable by the user alone. Every
// fault of the disk is a miss: the cache saves time and nothing else.
type cache struct{ dir string }

type cacheEntry struct {
	Expires time.Time       `json:"expires"`
	Value   json.RawMessage `json:"value"`
}

// get reports whether a good entry was read into v.
func (k *cache) get(key string, now time.Time, v any) bool {
	path := filepath.Join(k.dir, key)
	text, err := private.ReadFile(path, maxCacheFile)
	if err != nil {
		return false
	}
	var e cacheEntry
	if json.Unmarshal(text, &e) != nil || !now.Before(e.Expires) {
		_ = os.Remove(path) // expired or damaged: worth nothing to anybody
		return false
	}
	return json.Unmarshal(e.Value, v) == nil
}

// put writes an entry, whole or not at all.
func (k *cache) put(key string, now time.Time, v any, age time.Duration) {
	value, err := json.Marshal(v)
	if err != nil {
		return
	}
	text, err := json.Marshal(cacheEntry{Expires: now.Add(age), Value: value})
	if err != nil || os.MkdirAll(k.dir, 0o700) != nil {
		return
	}
	_ = private.WriteFile(filepath.Join(k.dir, key), text)
}

// sweep removes entries that nobody reads any more: credentials change, and
// their entries' names with them.
func (k *cache) sweep(now time.Time) {
	files, err := os.ReadDir(k.dir)
	if err != nil {
		return
	}
	for _, f := range files {
		oldest := max(identityAge, policyAge, allowAge)
		if strings.HasPrefix(f.Name(), managedEntry+"-") {
			oldest = managedAge
		}
		info, err := f.Info()
		if err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > oldest {
			_ = os.Remove(filepath.Join(k.dir, f.Name()))
		}
	}
}

// cacheKey names an entry that belongs to the client's credentials, region and
// endpoints. The parts are hashed, so neither they nor any secret are on disk.
func (a *connection) cacheKey(what string, parts ...string) string {
	all := []string{cacheFormat, what, a.region}
	for _, service := range []string{"sts", "iam", "ssm"} {
		endpoint, _ := a.apis[service].Endpoint(context.Background()) // nil is a name, too
		all = append(all, fmt.Sprint(endpoint))
	}
	all = append(all, parts...)
	sum := sha256.Sum256([]byte(strings.Join(all, "\x00")))
	return what + "-" + hex.EncodeToString(sum[:16])
}

// recall reads an entry that a decision may rest on: Refresh makes it ask anew.
func (a *answers) recall(key string, v any) bool {
	a.mu.Lock()
	fresh := a.fresh
	a.mu.Unlock()
	if fresh || !a.recallSilently(key, v) {
		return false
	}
	a.mu.Lock()
	a.fromDisk = true
	a.mu.Unlock()
	return true
}

// recallSilently reads an entry that cannot be out of date.
func (a *answers) recallSilently(key string, v any) bool {
	return a.cache != nil && a.cache.get(key, time.Now(), v)
}

// keep writes an entry, and tidies up before the first one.
func (a *answers) keep(key string, v any, age time.Duration) {
	if a.cache == nil {
		return
	}
	now := time.Now()
	a.tidy.Do(func() { a.cache.sweep(now) })
	a.cache.put(key, now, v, age)
}

func (k *cache) remove(key string) { _ = os.Remove(filepath.Join(k.dir, key)) }
