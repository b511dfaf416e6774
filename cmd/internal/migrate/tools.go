package migrate

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
	"ssmguard/internal/yamlfile"
)

// bastiTarget is a target of Basti (github.com/basti-app/basti,
// docs/reference/configuration-file.md): one of its fields says what it is.
type bastiTarget struct {
	RDSInstance      string `yaml:"rdsInstance"`
	RDSCluster       string `yaml:"rdsCluster"`
	RedisCluster     string `yaml:"elasticacheRedisCluster"`
	RedisNode        string `yaml:"elasticacheRedisNode"`
	MemcachedCluster string `yaml:"elasticacheMemcachedCluster"`
	MemcachedNode    string `yaml:"elasticacheMemcachedNode"`
	Host             string `yaml:"customTargetHost"`
	Port             int    `yaml:"customTargetPort"`
	Profile          string `yaml:"awsProfile"`
	Region           string `yaml:"awsRegion"`
}

// readBasti reads the connections of Basti. It finds its bastion by the VPC; a tunnel of
// ours names one.
func readBasti(_ *env.Process, file, bastion string) (found, error) {
	f := found{source: file}
	data, err := yamlfile.ReadFile(file)
	if err != nil {
		return f, err
	}
	var content struct {
		Connections map[string]struct {
			Target    yaml.Node `yaml:"target"`
			LocalPort int       `yaml:"localPort"`
		} `yaml:"connections"`
		Targets map[string]bastiTarget `yaml:"targets"`
	}
	if err := yaml.Unmarshal(data, &content); err != nil {
		return f, fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(content.Connections)) {
		c := content.Connections[name]
		var target bastiTarget
		if c.Target.Kind == yaml.ScalarNode {
			var known bool
			if target, known = content.Targets[c.Target.Value]; !known {
				f.leave(name, "there is no target "+c.Target.Value)
				continue
			}
		} else if err := c.Target.Decode(&target); err != nil {
			f.leave(name, env.OneLine(err))
			continue
		}
		t := configs.Tunnel{
			Name: name, Target: bastion, LocalPort: c.LocalPort, Host: target.Host, Port: target.Port,
			RDS:         cmp.Or(target.RDSInstance, target.RDSCluster),
			ElastiCache: cmp.Or(target.RedisCluster, target.RedisNode, target.MemcachedCluster, target.MemcachedNode),
		}
		t.Profile, t.Region = target.Profile, target.Region
		if bastion == "" {
			f.leave(name, "Basti finds its bastion by itself; name it with --target (it has the tag basti:id)")
			continue
		}
		f.tunnels = append(f.tunnels, t)
	}
	return f, nil
}

// readSessionClient reads the targets of ssm-session-client
// (github.com/alexbacchin/ssm-session-client, config/flags.go). Its file names targets by
// tags; the only port in it is that of remote desktops.
func readSessionClient(_ *env.Process, file, _ string) (found, error) {
	f := found{source: file}
	data, err := yamlfile.ReadFile(file)
	if err != nil {
		return f, err
	}
	var content struct {
		Profile   string `yaml:"aws-profile"`
		Region    string `yaml:"aws-region"`
		Port      int    `yaml:"rdp-port"`
		LocalPort int    `yaml:"rdp-local-port"`
		Aliases   map[string]struct {
			Name  string `yaml:"tag-name"`
			Value string `yaml:"tag-value"`
		} `yaml:"aliases"`
	}
	if err := yaml.Unmarshal(data, &content); err != nil {
		return f, fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(content.Aliases)) {
		alias := content.Aliases[name]
		t := configs.Tunnel{Name: name, Target: "tag:" + alias.Name + "=" + alias.Value, Port: content.Port, LocalPort: content.LocalPort}
		t.Profile, t.Region = content.Profile, content.Region
		if t.Port == 0 {
			f.leave(name, fmt.Sprintf("the file names no port for it; its target is %s: ssmguard tunnel add NAME --target TARGET --port PORT", t.Target))
			continue
		}
		f.tunnels = append(f.tunnels, t)
	}
	return f, nil
}

// readHistory reads the commands of a shell's history, or of any text. bash writes a
// command as it is, with lines of times (#1700000000) between; zsh writes ": TIME:SECONDS;"
// before it, if told to; fish writes "- cmd: " before it and a line feed as \n.
func readHistory(p *env.Process, file, _ string) (found, error) {
	f := found{source: file}
	data, err := readTail(file)
	if err != nil {
		return f, err
	}
	text := strings.ReplaceAll(string(data), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, fish := strings.CutPrefix(line, "- cmd: "); fish {
			line = strings.NewReplacer(`\\\n`, " ", `\\`, `\`, `\n`, "\n").Replace(rest)
		} else if rest, zsh := strings.CutPrefix(line, ": "); zsh {
			if _, command, times := strings.Cut(rest, ";"); times {
				line = command
			}
		}
		t, ours, err := fromShell(p, line)
		switch {
		case !ours:
		case err != nil:
			f.leave("a command", env.OneLine(err))
		default:
			f.tunnels = append(f.tunnels, t)
		}
	}
	return f, nil
}

// readTail returns the last MiB of a file, from the beginning of a line.
func readTail(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	cut := info.Size() > yamlfile.MaxSize
	if cut {
		if _, err := f.Seek(-yamlfile.MaxSize, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, yamlfile.MaxSize))
	if cut {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return data, err
}
