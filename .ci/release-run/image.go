package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// An image in the layout of the OCI
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md): content by its
// digest, and an index that has a manifest for each architecture.

const mediaType = "application/vnd.oci.image."

// descriptor points at content.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// layout is an image being put together.
type layout struct {
	files []file
	has   map[string]bool
}

// add keeps content, and describes it.
func (l *layout) add(kind string, content []byte) descriptor {
	sum := digest(content)
	if !l.has[sum] {
		l.has[sum] = true
		l.files = append(l.files, file{"blobs/sha256/" + sum, 0o644, content})
	}
	return descriptor{MediaType: mediaType + kind, Digest: "sha256:" + sum, Size: len(content)}
}

func (l *layout) addJSON(kind string, v any) (descriptor, error) {
	content, err := json.Marshal(v)
	return l.add(kind, content), err
}

// certificates is where Debian has those of the authorities.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// image is the program alone with the certificates that a call of AWS needs, for a user
// without rights, in a folder that he may write.
func (r *release) image() ([]byte, error) {
	l := &layout{has: map[string]bool{}}
	var manifests []descriptor
	annotations := map[string]string{
		"org.opencontainers.image.title": "ssmguard", "org.opencontainers.image.version": r.version,
		"org.opencontainers.image.created": r.when.Format("2006-01-02T15:04:05Z"), "org.opencontainers.image.licenses": "Apache-2.0",
	}
	trusted, err := os.ReadFile(certificates)
	if err != nil {
		return nil, fmt.Errorf("%w; install ca-certificates", err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		program, err := os.ReadFile(filepath.Join(r.stage, "linux_"+arch, "bin", "ssmguard"))
		if err != nil {
			return nil, err
		}
		content, err := r.tar([]file{
			{"etc/", 0o755, nil},
			{"etc/group", 0o644, []byte("root:x:0:\nssmguard:x:65532:\n")},
			{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nssmguard:x:65532:65532:ssmguard:/tmp:/sbin/nologin\n")},
			{"etc/ssl/", 0o755, nil},
			{"etc/ssl/certs/", 0o755, nil},
			{certificates[1:], 0o644, trusted},
			{"tmp/", 0o1777, nil},
			{"usr/", 0o755, nil},
			{"usr/bin/", 0o755, nil},
			{"usr/bin/ssmguard", 0o755, program},
		})
		if err != nil {
			return nil, err
		}
		packed, err := compressed(content)
		if err != nil {
			return nil, err
		}
		layer := l.add("layer.v1.tar+gzip", packed)
		config, err := l.addJSON("config.v1+json", map[string]any{
			"created": annotations["org.opencontainers.image.created"], "architecture": arch, "os": "linux",
			"config": map[string]any{
				"User": "65532:65532", "Entrypoint": []string{"/usr/bin/ssmguard"}, "Cmd": []string{"help"},
				"Env": []string{"PATH=/usr/bin", "HOME=/tmp"}, "WorkingDir": "/tmp", "Labels": annotations,
			},
			"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(content)}},
			"history": []any{map[string]any{"created": annotations["org.opencontainers.image.created"], "created_by": ".ci/release"}},
		})
		if err != nil {
			return nil, err
		}
		manifest, err := l.addJSON("manifest.v1+json", map[string]any{
			"schemaVersion": 2, "mediaType": mediaType + "manifest.v1+json", "config": config, "layers": []descriptor{layer}, "annotations": annotations,
		})
		if err != nil {
			return nil, err
		}
		manifest.Platform = &platform{arch, "linux"}
		manifests = append(manifests, manifest)
	}
	both, err := l.addJSON("index.v1+json", map[string]any{"schemaVersion": 2, "mediaType": mediaType + "index.v1+json", "manifests": manifests, "annotations": annotations})
	if err != nil {
		return nil, err
	}
	both.Annotations = map[string]string{"org.opencontainers.image.ref.name": r.version}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{both}})
	if err != nil {
		return nil, err
	}
	return r.tar(append([]file{
		{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", 0o644, bytes.TrimSpace(index)},
		{"blobs/", 0o755, nil},
		{"blobs/sha256/", 0o755, nil},
	}, l.files...))
}
