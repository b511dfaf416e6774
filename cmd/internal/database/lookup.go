package database

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
	"ssmguard/proxy/awsdb"
)

// LookupError explains why a database was not found: it lists what exists instead, or
// the missing permission, and says how to open the tunnel without the lookup.
func LookupError(err error, conf configs.Tunnel, name string) error {
	var none *awsdb.NotFoundError
	var without *awsdb.NoEndpointError
	switch {
	case errors.As(err, &none) && len(none.Refused) > 0:
		return exit.Coded(refusedLookup(none, conf, name), exit.Refused)
	case errors.As(err, &none):
		return exit.Coded(none.Error()+instead(none)+byAddress(name), exit.Usage)
	case errors.As(err, &without) && without.Reader:
		return exit.Coded(err.Error()+"; leave out reader", exit.Usage)
	case errors.As(err, &without):
		return fmt.Errorf("%w; try again when it is available", err)
	}
	return fmt.Errorf("looking up %s: %w", name, err)
}

// mostListed is the number of names in a message.
const mostListed = 10

// instead suggests the nearest name, or lists all names.
func instead(none *awsdb.NotFoundError) string {
	known := slices.Compact(slices.Sorted(slices.Values(none.Known)))
	switch near := spelling.Nearest(none.Name, known); {
	case near != "":
		return fmt.Sprintf(", did you mean %q?", near)
	case len(known) == 0 || len(known) > mostListed:
		return ""
	}
	return ", there are: " + strings.Join(known, ", ")
}

// byAddress says how to use an endpoint without a lookup.
func byAddress(name string) string {
	if _, _, ok := awsdb.SplitAddress(name); !ok {
		return ""
	}
	return "; with --port it is used as it is"
}

// refusedLookup explains lookups that AWS denied, in the layout of a denial.
func refusedLookup(none *awsdb.NotFoundError, conf configs.Tunnel, name string) string {
	var needs, actions, resources []string
	var caller guard.Caller
	fixable := true
	for _, err := range none.Refused {
		r, _ := finding.ParseRefusal(err.Error())
		if r.User != "" {
			caller = guard.Caller{SessionARN: r.User}
		}
		state, why := "not granted: ", "no "+cmp.Or(r.Policy, "policy")+" allows it"
		if r.Explicit {
			state, why = "forbidden: ", "an explicit deny in its "+cmp.Or(r.Policy, "policy")
		}
		need := cmp.Or(r.Action, r.Code)
		if r.Resource != "" && r.Resource != "*" { // the message names none
			need += " on " + r.Resource
			resources = append(resources, r.Resource)
		}
		needs = append(needs, state+need+": "+why)
		actions = append(actions, r.Action)
		fixable = fixable && r.Action != "" && !r.Explicit && (r.Policy == "" || r.Policy == finding.IdentityPolicy)
	}
	text := safetext.Sprintf("denied: %s may not look up %q", caller.Name(), name)
	if len(none.Kinds) > 0 {
		text = safetext.Sprintf("%s%s\n  note  the rest: %s may not look there", none.Error(), instead(none), caller.Name())
	}
	for _, need := range needs {
		text += safetext.Sprintf("\n  no    %s", need)
	}
	label := "fix"
	if fixable {
		text += safetext.Sprintf("\n  fix   add to %s:", caller.Home())
		for line := range strings.Lines(source.Format(Allowing(actions, resources), statementWidth)) {
			text += "\n        " + safetext.Text(strings.TrimSuffix(line, "\n"))
		}
		label = "or"
	}
	return text + safetext.Sprintf("\n  %-6s", label) + noLookup(conf, name)
}

// statementWidth is how wide a statement to add is laid out.
const statementWidth = 70

// Allowing returns a statement that allows actions on resources.
func Allowing(actions, resources []string) string {
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	b, err := json.Marshal(struct {
		Effect           string
		Action, Resource []string
	}{"Allow", actions, resources})
	if err != nil {
		return err.Error()
	}
	return string(safetext.JSON(b))
}

// noLookup says how to configure a tunnel without a lookup of its database.
func noLookup(conf configs.Tunnel, name string) string {
	key := "rds"
	if conf.ElastiCache != "" {
		key = "elasticache"
	}
	if _, _, ok := awsdb.SplitAddress(name); ok && !conf.Reader {
		return "give --port, or port with " + key + " in its file: the endpoint is then used as it is"
	}
	return fmt.Sprintf("give --host and --port, or host and port in place of %s in its file", key)
}
