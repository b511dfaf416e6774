package awsiam

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ssmguard/internal/memtest"
)

// FuzzCache: an entry of the cache is used only while it is good, whatever is written there.
func FuzzCache(f *testing.F) {
	for _, seed := range []string{
		`{"expires":"2030-01-01T00:00:00Z","value":{"ARN":"arn:aws:iam::111122223333:user/ann","Documents":["{}"]}}`,
		`{"expires":"2020-01-01T00:00:00Z","value":{"ARN":"x"}}`,
		`{"expires":"2030-01-01T00:00:00Z","value":null}`, `{"value":{"ARN":"x"}}`, `{"expires":0}`, "{", "",
	} {
		f.Add([]byte(seed))
	}
	k := cache{f.TempDir()}
	path := filepath.Join(k.dir, "policies-x")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memtest.Bounded(t, len(text))()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		type value struct {
			ARN       string
			Documents []string
		}
		var got value
		good := k.get("policies-x", now, &got)
		if !good && k.get("policies-x", now, new(value)) {
			t.Error("bad, then good")
		}
		if !good {
			return
		}
		k.put("policies-y", now, got, time.Minute)
		var again value
		if !k.get("policies-y", now, &again) || again.ARN != got.ARN || len(again.Documents) != len(got.Documents) {
			t.Errorf("kept %+v, got %+v", got, again)
		}
		if k.get("policies-y", now.Add(time.Minute), new(value)) {
			t.Error("used when it had expired")
		}
	})
}
