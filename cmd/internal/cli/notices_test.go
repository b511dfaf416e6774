package cli

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// noticeFile returns what matches the names of the files that come with a module for whoever passes it on.
func noticeFile() func(name string) bool {
	return regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|third-party)(\..*)?$`).MatchString
}

// permissive are the words by which the licences are known that ask for their text only:
// Apache 2.0, MIT, and BSD with two clauses or three.
var permissive = []string{
	"Apache License Version 2.0, January 2004",
	"Permission is hereby granted, free of charge, to any person obtaining a copy",
	"Redistribution and use in source and binary forms, with or without modification, are permitted",
}

// TestNotices compares NOTICES with the files of the modules of which the program of any
// platform is built, and with the Go distribution's own; -update writes NOTICES.
func TestNotices(t *testing.T) {
	isNotice := noticeFile()
	owners := map[string][]string{} // by text
	collect := func(name, dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		licensed := false
		for _, entry := range entries {
			if entry.IsDir() || !isNotice(entry.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			clean := strings.TrimSpace(strings.ReplaceAll(string(text), "\r", ""))
			licensed = licensed || slices.ContainsFunc(permissive, func(words string) bool {
				return strings.Contains(strings.Join(strings.Fields(clean), " "), words)
			})
			if !slices.Contains(owners[clean], name) {
				owners[clean] = append(owners[clean], name)
			}
		}
		if !licensed {
			t.Errorf("%s comes under none of the licences that are known here; find out whether it may be passed on", name)
		}
	}
	modules := linkedModules(t)
	for name, dir := range modules {
		collect(name, dir)
	}
	// Go itself comes under the same terms of the same authors; some systems' GOROOT lacks the files.
	collect("the Go standard library", modules["golang.org/x/sys"])

	var blocks []string
	for text, names := range owners {
		slices.Sort(names)
		blocks = append(blocks, strings.Join(names, "\n")+"\n\n"+text+"\n")
	}
	slices.Sort(blocks)
	rule := "\n" + strings.Repeat("=", 80) + "\n\n"
	want := "ssmguard is built from the following, each under the terms below its name.\n" + rule + strings.Join(blocks, rule)
	if *update {
		if err := os.WriteFile("NOTICES", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if notices != want {
		t.Error("NOTICES is not what the modules of go.mod come with; write it by go test ./cmd/internal/cli -run TestNotices -update, and read what changes")
	}
}

// linkedModules returns the folder of each module of which the program is built on any of
// its platforms.
func linkedModules(t *testing.T) map[string]string {
	dirs := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-deps", "-tags", "urfave_cli_no_docs,nethttpomithttp2",
			"-f", `{{with .Module}}{{if not .Main}}{{.Path}}={{.Dir}}{{end}}{{end}}`, "ssmguard/cmd/ssmguard")
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
		}
		for line := range strings.Lines(string(out)) {
			name, dir, _ := strings.Cut(strings.TrimSpace(line), "=")
			dirs[name] = dir
		}
	}
	delete(dirs, "")
	if len(dirs) < 20 || !slices.Contains(slices.Collect(maps.Keys(dirs)), "github.com/aws/session-manager-plugin") {
		t.Fatalf("go list names only %v", slices.Sorted(maps.Keys(dirs)))
	}
	return dirs
}
