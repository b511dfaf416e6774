package completion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/private"
	"ssmguard/proxy/awsdb"
)

const (
	// liveTime is the time limit for an answer to the tab key.
	liveTime = 2 * time.Second
	// liveAge is how long an answer is used again.
	liveAge = 2 * time.Minute
)

// targets returns the nodes that can take a session, by id and by name.
func targets(ctx context.Context, p *env.Process, before []string) []candidate {
	return live(ctx, p, "targets", before, func(ctx context.Context, e *awsiam.Client, conf *awsconf.Session) []candidate {
		nodes, _ := e.Nodes(ctx, conf.Region) // usable beside an error
		var cs []candidate
		for _, n := range nodes {
			if n.Ping != "" && n.Ping != "Online" || n.State != "" && n.State != "running" {
				continue
			}
			cs = append(cs, candidate{n.ID, strings.TrimSpace(n.Name + " " + n.Platform)})
			if n.Name != "" {
				cs = append(cs, candidate{n.Name, n.ID})
			}
		}
		return cs
	})
}

// documents are the session documents.
func documents(ctx context.Context, p *env.Process, before []string) []candidate {
	return live(ctx, p, "documents", before, func(ctx context.Context, e *awsiam.Client, conf *awsconf.Session) []candidate {
		documents, _ := e.SessionDocuments(ctx, conf.Region) // usable beside an error
		var cs []candidate
		for _, d := range documents {
			cs = append(cs, candidate{d.Name, d.Owner})
		}
		return cs
	})
}

// databases are those of RDS, by their identifiers.
func databases(ctx context.Context, p *env.Process, before []string) []candidate {
	return endpoints(ctx, p, "databases", before, awsdb.Databases)
}

// caches are those of ElastiCache, by their identifiers.
func caches(ctx context.Context, p *env.Process, before []string) []candidate {
	return endpoints(ctx, p, "caches", before, awsdb.Caches)
}

func endpoints(ctx context.Context, p *env.Process, what string, before []string, list func(context.Context, aws.Config) []awsdb.Endpoint) []candidate {
	return live(ctx, p, what, before, func(ctx context.Context, _ *awsiam.Client, conf *awsconf.Session) []candidate {
		var cs []candidate
		for _, e := range list(ctx, conf.Config) {
			cs = append(cs, candidate{e.Name, strings.TrimSpace(e.Engine + " " + e.Kind)})
		}
		return cs
	})
}

// live asks the account of a command line, or reads its last answer from the cache.
// Every fault is an empty answer: an error would disturb the command line.
func live(ctx context.Context, p *env.Process, what string, before []string, find func(context.Context, *awsiam.Client, *awsconf.Session) []candidate) []candidate {
	ctx, cancel := context.WithTimeout(ctx, liveTime)
	defer cancel()
	line, err := ask.ReadSession(p, globalWords(before), true)
	if err != nil {
		return nil
	}
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: line.Call.Globals, Files: p.AWSFiles(),
		Prompt: func(string) (string, error) { return "", ask.ErrNoPrompt }})
	if err != nil {
		return nil
	}
	keys, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		return nil
	}
	var file string
	if dir := line.CacheDir(); dir != "" && !line.Own.NoCache {
		name := sha256.Sum256([]byte(strings.Join([]string{what, keys.AccessKeyID, conf.Region, conf.Endpoint}, "\x00")))
		file = filepath.Join(dir, ask.CompletionCache, hex.EncodeToString(name[:16]))
	}
	if cs, ok := recallCandidates(file); ok {
		return cs
	}
	evidence := line.Gather(conf)
	defer evidence.Close()
	cs := find(ctx, evidence, conf)
	if len(cs) > 0 {
		keepCandidates(file, cs)
	}
	return cs
}

// globalWords returns the words of a command line that choose profile, region and
// endpoint.
func globalWords(before []string) []string {
	var found []string
	for i := 0; i < len(before); i++ {
		name, _, whole := strings.Cut(before[i], "=")
		switch name {
		case "--profile", "--region", "--endpoint-url", "--ca-bundle":
			found = append(found, before[i])
			if !whole && i+1 < len(before) {
				i++
				found = append(found, before[i])
			}
		}
	}
	return found
}

// maxCandidates is the size in bytes of the largest answer that is kept.
const maxCandidates = 4 << 20

func recallCandidates(file string) ([]candidate, bool) {
	info, err := os.Stat(file)
	if err != nil || time.Since(info.ModTime()) > liveAge {
		return nil, false
	}
	data, err := private.ReadFile(file, maxCandidates)
	var kept [][2]string
	if err != nil || json.Unmarshal(data, &kept) != nil {
		return nil, false
	}
	cs := make([]candidate, len(kept))
	for i, k := range kept {
		cs[i] = candidate{k[0], k[1]}
	}
	return cs, true
}

// keepCandidates caches an answer for the next tab key. A failure to write is ignored.
func keepCandidates(file string, cs []candidate) {
	if file == "" {
		return
	}
	kept := make([][2]string, len(cs))
	for i, c := range cs {
		kept[i] = [2]string{c.value, c.about}
	}
	if data, err := json.Marshal(kept); err == nil {
		_ = env.ReplaceFile(file, string(data))
	}
}
