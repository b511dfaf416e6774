package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// thirdParty is the module whose data races are known and not ours to mend: the
// official plugin, which is why it runs in a process of its own.
const thirdParty = "github.com/aws/session-manager-plugin/"

// watchRaces has the race detector write its reports into files instead of ending
// programs, and fails the script for every race that the plugin has no part in.
// It does nothing in builds without the detector.
func watchRaces(env *testscript.Env) {
	prefix := filepath.Join(env.WorkDir, "race-reports")
	env.Setenv("GORACE", "exitcode=0 log_path="+prefix)
	env.Defer(func() {
		files, err := filepath.Glob(prefix + ".*")
		if err != nil {
			env.T().Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				env.T().Fatal(err)
			}
			for report := range strings.SplitSeq(string(text), "==================") {
				if strings.Contains(report, "DATA RACE") && !strings.Contains(report, thirdParty) {
					env.T().Fatal(report)
				}
			}
		}
	})
}
