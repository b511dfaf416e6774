// Command release-run makes the archives, the Homebrew formula, the Scoop manifest and the
// image of a release, for .ci/release, from a folder with the programs and what comes with
// them. VERSION, BASE_URL and SOURCE_DATE_EPOCH are in the environment.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 4 || os.Args[1] != "build" {
		fmt.Fprintln(os.Stderr, "usage: release-run build STAGE FOLDER")
		os.Exit(2)
	}
	if err := build(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "release-run:", err)
		os.Exit(1)
	}
}

// release is what is told of all its files.
type release struct {
	version, url string
	when         time.Time
	stage, out   string
	sums         map[string]string // of the archives, by their names
}

func build(stage, out string) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return err
	}
	r := &release{
		version: os.Getenv("VERSION"), url: strings.TrimSuffix(os.Getenv("BASE_URL"), "/"),
		when: time.Unix(seconds, 0).UTC(), stage: stage, out: out, sums: map[string]string{},
	}
	if r.version == "" || r.url == "" {
		return errors.New("VERSION and BASE_URL have to be set")
	}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			if err := r.archive(system, arch); err != nil {
				return err
			}
		}
	}
	manifest, err := r.scoop()
	if err != nil {
		return err
	}
	image, err := r.image()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ssmguard.rb":   r.formula(),
		"ssmguard.json": manifest,
		fmt.Sprintf("ssmguard_%s_oci.tar", r.version): image,
	} {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// name is that of an archive, without its ending.
func (r *release) name(system, arch string) string {
	return fmt.Sprintf("ssmguard_%s_%s_%s", r.version, strings.Replace(system, "darwin", "macos", 1), arch)
}

// archive packs a program with its man page and completions, as they lie below /usr or
// ~/.local, in one folder.
func (r *release) archive(system, arch string) error {
	name := r.name(system, arch)
	files := []file{{name: name + "/", mode: 0o755}}
	for _, from := range []string{filepath.Join(r.stage, system+"_"+arch), r.stage + "/share"} {
		below := name
		if filepath.Base(from) == "share" {
			below += "/share"
			files = append(files, file{name: below + "/", mode: 0o755})
		}
		more, err := tree(from, below)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	var content []byte
	var err error
	if system == "windows" {
		name += ".zip"
		content, err = r.zip(files)
	} else {
		name += ".tar.gz"
		content, err = r.tarGzip(files)
	}
	if err != nil {
		return err
	}
	r.sums[name] = digest(content)
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644)
}

// file is a file or, with a slash at its end, a folder.
type file struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// tree are the files below a folder, in the order of their names.
func tree(folder, below string) (files []file, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		rest, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		f := file{name: below + "/" + filepath.ToSlash(rest), mode: 0o644}
		switch info, err := d.Info(); {
		case err != nil:
			return err
		case d.IsDir():
			f.name += "/"
			f.mode = 0o755
		default:
			if info.Mode()&0o100 != 0 {
				f.mode = 0o755
			}
			if f.content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

func digest(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// formula is for Homebrew (https://docs.brew.sh/Formula-Cookbook).
func (r *release) formula() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `class Ssmguard < Formula
  desc "Start AWS Session Manager sessions, and say why one would be refused"
  homepage "%s"
  version "%s"
  license "Apache-2.0"

`, r.url, r.version)
	for _, system := range []string{"darwin", "linux"} {
		fmt.Fprintf(&b, "  on_%s do\n", strings.Replace(system, "darwin", "macos", 1))
		for _, cpu := range [][2]string{{"intel", "amd64"}, {"arm", "arm64"}} {
			name := r.name(system, cpu[1]) + ".tar.gz"
			fmt.Fprintf(&b, "    on_%s do\n      url \"%s/%s\"\n      sha256 \"%s\"\n    end\n", cpu[0], r.url, name, r.sums[name])
		}
		b.WriteString("  end\n\n")
	}
	b.WriteString(`  def install
    bin.install "bin/ssmguard"
    man1.install "share/man/man1/ssmguard.1"
    bash_completion.install "share/bash-completion/completions/ssmguard"
    zsh_completion.install "share/zsh/site-functions/_ssmguard"
    fish_completion.install "share/fish/vendor_completions.d/ssmguard.fish"
    doc.install Dir["share/doc/ssmguard/*"]
  end

  def caveats
    <<~EOS
      Have it check the sessions that "aws" starts in your shell:
        ssmguard alias zsh --install
      Make it the session-manager-plugin of the AWS CLI:
        ln -s #{opt_bin}/ssmguard #{HOMEBREW_PREFIX}/bin/session-manager-plugin
    EOS
  end

  test do
    assert_match "[SG101]", shell_output("#{bin}/ssmguard demo")
  end
end
`)
	return b.Bytes()
}

// scoop is a manifest for Scoop
// (https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests).
func (r *release) scoop() ([]byte, error) {
	type one struct {
		URL        string `json:"url"`
		Hash       string `json:"hash"`
		ExtractDir string `json:"extract_dir"`
	}
	of := func(arch string) one {
		name := r.name("windows", arch)
		return one{r.url + "/" + name + ".zip", r.sums[name+".zip"], name}
	}
	manifest := struct {
		Version      string         `json:"version"`
		Description  string         `json:"description"`
		Homepage     string         `json:"homepage"`
		License      string         `json:"license"`
		Architecture map[string]one `json:"architecture"`
		Bin          string         `json:"bin"`
		Notes        []string       `json:"notes"`
	}{
		r.version, "Starts AWS Session Manager sessions, and says why one would be refused", r.url, "Apache-2.0",
		map[string]one{"64bit": of("amd64"), "arm64": of("arm64")}, `bin\ssmguard.exe`,
		[]string{
			"Have it check the sessions that \"aws\" starts in PowerShell: ssmguard alias powershell --install",
			"Completion is in share\\powershell\\ssmguard.ps1: add to your profile the line: . \"$dir\\share\\powershell\\ssmguard.ps1\"",
		},
	}
	text, err := json.MarshalIndent(manifest, "", "    ")
	return append(text, '\n'), err
}
