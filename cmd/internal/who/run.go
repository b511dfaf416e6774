package who

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
	"ssmguard/internal/usertext"
)

// options are a command line of who or reach, complete.
type options struct {
	line       *ask.Line
	reach      bool // of one principal, what it can open
	targets    []string
	documents  []string
	principals []string
	account    []string // files; none for AWS
	instances  []string
	listed     []string
	scps       []policyfile.File // and the policies of endpoints
	context    map[string][]string
	closed     bool
	denied     bool
	output     string

	pause  time.Duration // before a throttled call is made again, 0 for the usual one
	region string
	notes  []string
}

// run runs the words after who or reach.
func run(ctx context.Context, p *env.Process, words []string, o options) error {
	words, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if o.line, err = ask.ReadSession(p, words, true); err != nil {
		return err
	}
	if o.line.Call.Command == awscli.Help {
		return command.ErrHelp
	}
	if err := o.check(); err != nil {
		return err
	}
	people, has, err := o.gather(ctx)
	if err != nil {
		return err
	}
	people, err = o.chosen(people)
	if err != nil {
		return err
	}
	if err := o.narrow(has); err != nil {
		return err
	}
	return o.answer(people, has)
}

// check says which options need others.
func (o *options) check() error {
	files := len(o.account) > 0
	switch in := o.line.Call.Input; {
	case in.Parameters != nil || in.Reason != "" || in.Target != "" || in.DocumentName != "":
		return exit.Usagef("--parameters, --reason and --cli-input-json are of one session, and say nothing of an account")
	case o.reach && len(o.principals) == 0:
		return exit.Usagef("reach needs --principal, the ARN of a user or a role")
	case files && len(o.instances) == 0 && len(o.targets) == 0:
		return exit.Usagef("--account needs the targets, too: --instances FILE, with what \"aws ec2 describe-instances\" prints, or --target")
	case !files && (len(o.instances) > 0 || len(o.listed) > 0):
		return exit.Usagef("--instances and --documents go with --account FILE, with what \"aws iam get-account-authorization-details\" prints")
	}
	stdin := 0
	for _, path := range slices.Concat(o.account, o.instances, o.listed, paths(o.scps)) {
		if path == stdinPath {
			stdin++
		}
	}
	if stdin > 1 {
		return exit.Usagef("standard input is one file; give - once")
	}
	return nil
}

// stdinPath is a file that is standard input.
const stdinPath = "-"

func paths(files []policyfile.File) (all []string) {
	for _, f := range files {
		all = append(all, f.Path)
	}
	return all
}

// gathered is what was read of an account.
type gathered struct {
	*inventory
	scp      [][]policy.Statement
	endpoint []policy.Statement
	partial  []policy.Kind
}

// gather reads the account, from files or from AWS.
func (o *options) gather(ctx context.Context) ([]person, *gathered, error) {
	has := &gathered{inventory: newInventory()}
	if err := o.organization(has); err != nil {
		return nil, nil, err
	}
	if len(o.account) == 0 {
		people, err := o.live(ctx, has)
		return people, has, err
	}
	o.region = o.line.Process.AWSFiles().Region(o.line.Call.Globals)
	if o.region != "" && !guard.IsRegion(o.region) {
		return nil, nil, exit.Usagef("--region %s: that is no region's name", safetext.Line(o.region))
	}
	r := newRoll()
	for _, read := range []struct {
		form    output
		paths   []string
		missing *[]string
	}{
		{output{"aws iam get-account-authorization-details", r.lists()}, o.account, &r.missing},
		{output{"aws ec2 describe-instances", has.nodeLists(o.region)}, o.instances, &has.missing},
		{output{"aws ssm list-documents", has.documentLists()}, o.listed, &has.missing},
	} {
		if err := o.files(read.form, read.paths, read.missing); err != nil {
			return nil, nil, err
		}
	}
	if r.foreign != "" {
		_, account, _ := strings.Cut(r.account, ":")
		return nil, nil, exit.WithCode(fmt.Errorf("%s: the details are of several accounts, %s and that of %s; ask about one at a time",
			strings.Join(o.account, ", "), account, safetext.Line(r.foreign)), exit.Config)
	}
	has.missing = slices.Concat(r.missing, has.missing)
	has.known(false)
	if has.scp == nil {
		o.notes = append(o.notes, "service control policies were not looked at; give those of the account with --scp FILE")
	}
	return r.principals(), has, nil
}

// files reads files with the pages of an output of the AWS CLI.
func (o *options) files(form output, paths []string, missing *[]string) error {
	whole := len(paths) == 0
	for _, path := range paths {
		last, err := o.file(form, path)
		if err != nil {
			return exit.WithCode(err, exit.Config)
		}
		whole = whole || last
	}
	if !whole {
		*missing = append(*missing, strings.Join(paths, ", ")+": not all that \""+form.command+"\" prints; more pages follow")
	}
	return nil
}

// file reads one file, or standard input.
func (o *options) file(form output, path string) (last bool, err error) {
	if path == stdinPath {
		return form.read("stdin", o.line.Process.Stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return form.read(path, f)
}

// organization reads the files of --scp and --endpoint-policy. As for check, all service control
// policies are one level.
func (o *options) organization(has *gathered) error {
	for i := range o.scps {
		if f := &o.scps[i]; f.Path == stdinPath {
			text, err := usertext.ReadAll(o.line.Process.Stdin)
			if err != nil {
				return err
			}
			f.Path, f.Text = "stdin", append([]byte{}, text...)
		}
	}
	reading, err := policyfile.Read(o.scps, policyfile.Known{})
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	reading.TellLeftOut(o.line.Process.Stderr)
	set, unread := reading.WithoutDoubtful()
	for _, f := range unread {
		has.missing = append(has.missing, f.Summary)
	}
	has.scp, has.endpoint = set.SCP, set.Endpoint
	for _, kind := range set.Partial {
		if kind != policy.Identity {
			has.partial = append(has.partial, kind)
		}
	}
	return nil
}

// chosen returns the people of --principal, or all.
func (o *options) chosen(people []person) ([]person, error) {
	if len(o.principals) == 0 {
		return people, nil
	}
	var some []person
	for _, want := range o.principals {
		at := slices.IndexFunc(people, func(p person) bool { return p.is(want) })
		if at < 0 {
			var names []string
			for _, p := range people {
				names = append(names, p.Caller.Principal, p.Caller.Name())
			}
			hint := ""
			if near := spelling.Nearest(want, names); near != "" {
				hint = "; did you mean " + safetext.Line(near) + "?"
			}
			return nil, exit.Usagef("--principal %s: the account's details have no such user or role%s", safetext.Line(want), hint)
		}
		some = append(some, people[at])
	}
	return some, nil
}

// is reports whether a word names a person: an ARN, that of a session of the role, or role/NAME.
func (p person) is(word string) bool {
	if role, ok := strings.CutPrefix(guard.ArnField(word, 5), "assumed-role/"); ok {
		name, _, _ := strings.Cut(role, "/")
		return guard.ArnField(word, guard.FieldAccount) == p.Caller.Account && p.Caller.Name() == "role/"+name
	}
	return p.Caller.Principal == word || p.Caller.Name() == word
}

// narrow leaves the targets and documents that were asked about.
func (o *options) narrow(has *gathered) error {
	if len(o.targets) > 0 {
		var some []node
		for _, word := range o.targets {
			found, err := o.find(has, word)
			if err != nil {
				return err
			}
			some = append(some, found...)
		}
		has.nodes = some
	}
	if len(o.documents) == 0 {
		return nil
	}
	var some []reach.Document
	for _, name := range o.documents {
		if name == guard.DefaultDocument {
			name = ""
		}
		at := slices.IndexFunc(has.inventory.documents, func(d reach.Document) bool { return d.Name == name })
		switch {
		case at >= 0:
			some = append(some, has.inventory.documents[at])
		case has.others[name] != "":
			return exit.Usagef("--document-name %s: a document of the type %s starts no session", safetext.Line(name), safetext.Line(has.others[name]))
		default:
			o.notes = append(o.notes, safetext.Sprintf("whether the document %s exists was not looked at", name))
			some = append(some, reach.Document{Name: name, Untold: true})
		}
	}
	has.inventory.documents = some
	return nil
}

// find returns the nodes that a word names: by id, by their name, or tag:KEY=VALUE.
func (o *options) find(has *gathered, word string) (found []node, err error) {
	if at, ok := has.at[word]; ok {
		return []node{has.nodes[at]}, nil
	}
	if awsiam.IsTargetID(word) && guard.Made(word, "_-:") {
		if len(has.nodes) > 0 && !strings.HasPrefix(word, "ecs:") {
			o.notes = append(o.notes, safetext.Sprintf("%s is not among the targets of the account, so its tags are not known", word))
		}
		return []node{{reach.Target{ID: word, Region: o.region, Untold: true}, ""}}, nil
	}
	key, value, tagged := strings.Cut(strings.TrimPrefix(word, "tag:"), "=")
	if !tagged || !strings.HasPrefix(word, "tag:") {
		key, value = "Name", word
	}
	var names []string
	for _, n := range has.nodes {
		if got, ok := n.Tags[key]; ok && got == value {
			found = append(found, n)
		}
		names = append(names, n.ID, n.name)
	}
	if len(found) > 0 {
		return found, nil
	}
	hint := ""
	if near := spelling.Nearest(word, names); near != "" {
		hint = "; did you mean " + safetext.Line(near) + "?"
	}
	return nil, exit.Usagef("--target %s: no node of the account has this id or name%s", safetext.Line(word), hint)
}

// answer decides everything, and tells it.
func (o *options) answer(people []person, has *gathered) error {
	account := &reach.Account{SCP: has.scp, Endpoint: has.endpoint, Partial: has.partial, Documents: has.inventory.documents,
		Context: o.context, Closed: o.closed, At: time.Now()}
	if o.closed {
		account.At = time.Time{}
	}
	told := report.Reach{Account: account, OfPrincipals: o.reach, Denied: o.denied, Notes: o.notes, Missing: has.missing}
	for _, p := range people {
		account.Principals = append(account.Principals, p.Principal)
		told.People = append(told.People, report.ReachPerson{Trusts: p.trusts, Unread: p.unread})
	}
	for _, n := range has.nodes {
		account.Targets = append(account.Targets, n.Target)
		told.Names = append(told.Names, n.name)
	}
	if slices.ContainsFunc(account.Targets, func(t reach.Target) bool { return t.Region == "" }) {
		told.Notes = append(told.Notes, "the region of some targets is not known; state it with --region")
	}
	whole, err := report.WriteReach(o.line.Process.Stdout, o.output, told)
	if err != nil || whole {
		return err
	}
	return exit.VerdictStatus(policy.Unknown)
}
