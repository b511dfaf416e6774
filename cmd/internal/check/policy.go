package check

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext"
)

// policyOptions is a policy command line, complete.
type policyOptions struct {
	Line              *ask.Line
	Format, Principal string
	JustInTime        bool
	request           guard.Request
	facts             guard.Facts
}

func (o *policyOptions) flags() []command.Flag {
	principal := principalFlag(&o.Principal, "for whom it is; with it AWS is not asked at all")
	principal.Group = ""
	return []command.Flag{
		{Name: "--format", Choices: []string{"json", "terraform", "cloudformation"}, Default: "json", Set: command.Text(&o.Format),
			Text: "an IAM policy document, an aws_iam_policy resource, or a template with an AWS::IAM::ManagedPolicy"},
		principal,
		{Name: "--just-in-time", Set: command.Switch(&o.JustInTime), Text: "for a caller who asks for access each time (just-in-time node access), without ssm:StartSession"},
	}
}

// Policy runs the words after `policy`.
func Policy(ctx context.Context, p *env.Process, words []string) error {
	o := policyOptions{Format: "json"}
	words, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	o.Line, err = ask.ReadSession(p, words, false)
	if err != nil {
		return err
	}
	if o.Line.Call.Command == awscli.Help {
		return command.ErrHelp
	}
	if err := o.complete(ctx); err != nil {
		return err
	}
	return o.run()
}

// complete finds out for whom the policy is, and what the resources are.
func (o *policyOptions) complete(ctx context.Context) (err error) {
	if o.Line.Call.Command != awscli.StartSession {
		return exit.Usagef("policy takes the options of a session; see %q", "ssmguard help policy")
	}
	if o.Principal != "" {
		if err := ask.NeedsID(o.Line.Call.Input.Target); err != nil {
			return err
		}
		region, err := statedRegion(o.Line)
		if err != nil {
			return err
		}
		o.request = ask.Request(o.Line.Call.Input, region)
		o.request.Caller, err = namedCaller(o.Principal)
		return err
	}
	w, _, err := o.Line.Connect(ctx)
	if err != nil {
		return err
	}
	defer w.Evidence.Close()
	o.request = w.Request
	caller, err := w.Evidence.Caller(ctx)
	if caller.SessionARN == "" {
		return err
	}
	o.request.Caller = caller
	// What cannot be read of the resources leaves the policy without a grant for the key, no more.
	o.facts, _ = w.Guard.Inventory.Facts(ctx, o.request)
	return nil
}

// run prints the policy; for a document that starts no session there is none.
func (o *policyOptions) run() error {
	if fault, faulty := finding.DocumentFault(o.request, o.facts); faulty {
		return exit.Usagef("--document-name: %s", fault.Summary)
	}
	if unseen := guard.DocumentUnseen(o.request, o.facts); unseen != "" {
		safetext.Fprintf(o.Line.Process.Notes(), "ssmguard: note: %s\n", unseen)
	}
	if o.request.Region == "" {
		fmt.Fprintln(o.Line.Process.Notes(), "ssmguard: note: nobody stated the region, so the policy is for every region; state it with --region")
	}
	document := guard.LeastPrivilege(o.request, o.facts)
	if o.JustInTime {
		if len(guard.AccessNeeds(o.request, o.facts)) == 0 {
			return exit.Usagef("--just-in-time: access can be asked for to instances and managed instances, not to %s", safetext.Line(o.request.Target))
		}
		document = guard.AccessPolicy(o.request, o.facts)
	}
	_, err := safetext.Fprintf(o.Line.Process.Stdout, "%s", safetext.Own(safetext.JSON([]byte(policyFormats[o.Format](document)))))
	return err
}

// policyFormats turn a policy document into what the tools that deploy it read.
var policyFormats = map[string]func(document string) string{
	"json":           func(document string) string { return document },
	"terraform":      terraformPolicy,
	"cloudformation": cloudFormationPolicy,
}

// terraformPolicy writes the document as an HCL object, which JSON is as long as
// nothing in it is taken for a template of HCL's own.
func terraformPolicy(document string) string {
	hcl := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.TrimSpace(document))
	return "resource \"aws_iam_policy\" \"ssm_session\" {\n  name   = \"ssm-session\"\n  policy = jsonencode(" +
		strings.ReplaceAll(hcl, "\n", "\n  ") + ")\n}\n"
}

// cloudFormationPolicy writes a template in JSON, where ${...} is text because
// nothing substitutes it.
func cloudFormationPolicy(document string) string {
	template := fmt.Sprintf(`{"Resources": {"SSMSession": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
		"Description": "start one kind of Session Manager session", "PolicyDocument": %s}}}}`, document)
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(json.RawMessage(template)); err != nil {
		panic(fmt.Sprintf("a policy that is no JSON: %v", err)) // LeastPrivilege wrote it
	}
	return b.String()
}
