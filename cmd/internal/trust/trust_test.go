package trust

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/yamlfile"
)

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestIsListed(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(dir, "src", "shop", configs.ProjectFile), "")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "src"), link); err != nil {
		t.Skip(err)
	}
	t.Chdir(filepath.Join(dir, "src"))
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, test := range []struct {
		list []string
		want bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{file}, true},
		{[]string{in("src", "shop")}, true},
		{[]string{in("src", "shop") + "/"}, true},
		{[]string{in("elsewhere"), in("src")}, true},
		{[]string{filepath.VolumeName(dir) + string(filepath.Separator)}, true},
		{[]string{in("link", "shop")}, true},
		{[]string{in("src", "sho")}, false},
		{[]string{in("src", "shop", "below")}, false},
		{[]string{"."}, false},
		{[]string{"shop"}, false},
		{[]string{in("src", "other", "..", "shop")}, true},
	} {
		list := strings.Join(test.list, string(filepath.ListSeparator))
		if got := isListed(list, file); got != test.want {
			t.Errorf("%q: %v", list, got)
		}
		if got := isListed(list, filepath.Join(link, "shop", configs.ProjectFile)); got != test.want {
			t.Errorf("%q, by a link: %v", list, got)
		}
	}
}

// process is one with a home directory and without a terminal.
func process(home string, variables ...string) (p *env.Process, stderr *bytes.Buffer) {
	stderr = new(bytes.Buffer)
	return &env.Process{Stdin: strings.NewReader("y\n"), Stdout: io.Discard, Stderr: stderr, Environ: append(variables, "HOME="+home)}, stderr
}

func effects(n int, prefix string) (list []configs.Effect) {
	for i := range n {
		list = append(list, configs.Effect{Name: fmt.Sprint(i), Hash: fmt.Sprintf("%s-%028d", prefix, i)})
	}
	return list
}

// TestStoreTogether: processes that trust files at the same time lose nothing of each other's.
func TestStoreTogether(t *testing.T) {
	p, _ := process(t.TempDir())
	const n = 12
	var g sync.WaitGroup
	for i := range n {
		g.Go(func() {
			s, err := findStore(p)
			if err == nil {
				err = s.add(t.Context(), fmt.Sprintf("/p%d/.ssmguard.yaml", i), effects(2, "h"))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	s, _ := findStore(p)
	files, err := s.read()
	if err != nil || len(files) != n {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if info, err := os.Stat(s.path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	rest, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), "*"))
	if err != nil || len(rest) != 2 { // the store and its lock
		t.Errorf("%v, %v", rest, err)
	}
	if found, err := s.remove(t.Context(), "/p3/.ssmguard.yaml"); !found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := s.remove(t.Context(), "/p3/.ssmguard.yaml"); found || err != nil {
		t.Errorf("again: %v, %v", found, err)
	}
}

// TestStoreIsBounded: the store can always be read again, and remembers what was trusted last.
func TestStoreIsBounded(t *testing.T) {
	p, _ := process(t.TempDir())
	s, err := findStore(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.add(t.Context(), "/one", effects(maxEffects/2, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add(t.Context(), "/one", effects(1, "1")); err != nil { // trusted again, not twice
		t.Fatal(err)
	}
	files, err := s.read()
	if err != nil || len(files["/one"].Effects) != maxEffects || files["/one"].has(effects(1, "0")[0].Hash) || !files["/one"].has(effects(1, "1")[0].Hash) {
		t.Errorf("%d effects, %v", len(files["/one"].Effects), err)
	}
	many := make(map[string]entry)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hashes := slices.Repeat([]string{strings.Repeat("h", 32)}, maxEffects)
	for i := range 20 {
		many[fmt.Sprint(i)] = entry{at.AddDate(0, 0, i), hashes}
	}
	data, err := encode(many)
	if err != nil || len(data) >= yamlfile.MaxSize || len(many) == 0 {
		t.Fatalf("%d bytes of %d files, %v", len(data), len(many), err)
	}
	if _, newest := many["19"]; !newest || many["0"].Effects != nil {
		t.Error("the newest is forgotten before the oldest")
	}
}

// TestStoreOfOthers: a store that others may have written is neither believed nor changed.
func TestStoreOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("who may write a file is not told by its mode here")
	}
	home := t.TempDir()
	file := write(t, filepath.Join(home, "shop", configs.ProjectFile), "tunnels:\n  db: {target: i-1, port: 1}\n")
	p, _ := process(home)
	s, _ := findStore(p)
	trusted := func() bool {
		c, err := LoadConfig(p, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		return !c.IsUntrusted("db")
	}
	c, err := LoadConfig(p, filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.add(t.Context(), file, c.Untrusted()); err != nil || !trusted() {
		t.Fatalf("%v, %v", err, trusted())
	}
	if err := os.Chmod(s.path, 0o666); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(s.path)
	err = s.add(t.Context(), "/other", effects(1, "h"))
	if after, _ := os.ReadFile(s.path); err == nil || exit.Code(err) != exit.Config || !bytes.Equal(before, after) || trusted() {
		t.Errorf("written by others: %v, believed: %v", err, trusted())
	}
	write(t, s.path, `{"version": 2, "files": {}}`)
	if err := os.Chmod(s.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.read(); err == nil || !strings.Contains(err.Error(), "is not what ssmguard wrote") {
		t.Errorf("of another version: %v", err)
	}
	write(t, s.path, `{"version": 1, "files": {}}`)
	if err := os.Chmod(filepath.Dir(s.path), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{failure(s.read()), s.add(t.Context(), file, nil)} {
		if exit.Code(err) != exit.Config || !strings.Contains(err.Error(), "can be written by others (mode 0777); chmod go-w it if you trust it, or set XDG_STATE_HOME") {
			t.Errorf("in a directory that others can write: %v", err)
		}
	}
	// A home directory that cannot be written to, and none.
	p, _ = process(write(t, filepath.Join(home, "file"), ""))
	s, _ = findStore(p)
	if err := s.add(t.Context(), file, nil); exit.Code(err) != exit.Config || !strings.Contains(err.Error(), "cannot be remembered") {
		t.Errorf("a file for a home: %v", err)
	}
	if _, err := findStore(&env.Process{}); exit.Code(err) != exit.Config {
		t.Errorf("no home: %v", err)
	}
}

// TestAskWithoutTerminal: an answer counts on a terminal alone.
func TestAskWithoutTerminal(t *testing.T) {
	home := t.TempDir()
	p, stderr := process(home, Variable+"=here")
	p.ErrTerminal = true
	err := Ask(t.Context(), p, &configs.UntrustedError{File: "/p/.ssmguard.yaml", Names: []string{"db"}, Effects: effects(1, "h")})
	if exit.Code(err) != exit.Config || !strings.HasSuffix(err.Error(), `; "here" in SSMGUARD_TRUST is not an absolute path`) || strings.Contains(err.Error(), "\n") || stderr.Len() > 0 {
		t.Errorf("%v, %q", err, stderr)
	}
	if s, _ := findStore(p); len(must(s.read())) > 0 {
		t.Error("it is trusted")
	}
}

func failure[T any](_ T, err error) error { return err }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestShowIsPlain: text of a file does nothing to the terminal on which it is shown.
func TestShowIsPlain(t *testing.T) {
	var out bytes.Buffer
	if err := show(&out, []configs.Effect{{Text: "a\x1b[2J\nssmguard: b\u202e\u200b"}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "  a\\x1b[2J ssmguard: b\\u202e\\u200b\n" {
		t.Errorf("%q", got)
	}
}

// BenchmarkLoadConfig: the cost of a start beside a project's file, and without one.
func BenchmarkLoadConfig(b *testing.B) {
	for _, text := range []string{"", "tunnels:\n  db: {target: i-1, port: 1}\n  web: {target: i-1, port: 2}\n"} {
		b.Run(fmt.Sprint(len(text) > 0), func(b *testing.B) {
			home := b.TempDir()
			p, _ := process(home)
			if text != "" {
				file := filepath.Join(home, configs.ProjectFile)
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
				s, _ := findStore(p)
				c := must(LoadConfig(p, home))
				if err := s.add(b.Context(), file, c.Untrusted()); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if c := must(LoadConfig(p, home)); len(c.Untrusted()) > 0 {
					b.Fatal("not trusted")
				}
			}
		})
	}
}
