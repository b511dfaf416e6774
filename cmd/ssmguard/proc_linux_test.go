package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// responseVariable carries the StartSession response to the plugin.
const responseVariable = "AWS_SSM_START_SESSION_RESPONSE="

// tokenHidden returns the token of the session below a process. It is an error
// unless the session got it through the environment and no process of the
// machine shows it in argv.
func tokenHidden(root int) (string, error) {
	token := ""
	for _, pid := range append(descendants(root), root) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			continue // it has ended
		}
		for _, entry := range bytes.Split(environ, []byte{0}) {
			if value, ok := bytes.CutPrefix(entry, []byte(responseVariable)); ok {
				var response struct{ TokenValue string }
				if err := json.Unmarshal(value, &response); err != nil {
					return "", err
				}
				token = response.TokenValue
			}
		}
	}
	if token == "" {
		return "", errors.New("no process carries a session's response in its environment")
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", err
	}
	for _, name := range cmdlines {
		if argv, err := os.ReadFile(name); err == nil && bytes.Contains(argv, []byte(token)) {
			return "", fmt.Errorf("%s shows the token", name)
		}
	}
	return token, nil
}

// descendants returns the processes below one.
func descendants(root int) []int {
	children := make(map[int][]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// "PID (COMMAND) STATE PPID ...", where COMMAND may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	all := children[root]
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// scriptEnviron returns the environment a script's commands get.
func scriptEnviron(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
}

// sandbox serves a world with `ssmguard sandbox` until the script ends, and
// points the script's environment at it.
func sandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: sandbox WORLD [ARG...]")
	}
	self, err := exec.LookPath("ssmguard")
	ts.Check(err)
	cmd := exec.Command(self, append([]string{"sandbox", "--output", "json", "--world", args[0]}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnviron(ts)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	var served struct{ Environment map[string]string }
	if err := json.NewDecoder(stdout).Decode(&served); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		ts.Fatalf("ssmguard sandbox: %v: %s", err, stderr.String())
	}
	ts.Setenv("AWS_SESSION_TOKEN", "") // of a world before this one
	for name, value := range served.Environment {
		ts.Setenv(name, value)
	}
}
