// Command who-account writes, into a folder, what the AWS CLI prints of an account of a size: see
// guardtest.Account, and .ci/who-speed, which asks about it.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"ssmguard/guard/guardtest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "who-account:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("usage: who-account FOLDER ROLES INSTANCES")
	}
	roles, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	instances, err := strconv.Atoi(words[2])
	if err != nil {
		return err
	}
	a := guardtest.Account{Roles: roles, Instances: instances}
	for name, write := range map[string]func(io.Writer) error{"account.json": a.Details, "instances.json": a.Describe, "documents.json": a.Documents} {
		f, err := os.Create(filepath.Join(words[0], name))
		if err != nil {
			return err
		}
		if err := write(f); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
