package awscli

import "slices"

// Option is an option of the AWS CLI as help and completion show it.
type Option struct {
	Flag    string   // with its dashes
	Value   string   // what its value is, "" for a switch
	Choices []string // all values, if they are limited
	Text    string
	Global  bool // of other commands of the AWS CLI, too
}

// Options are the options of an operation, its own first; the global ones alone for an
// operation that is not ours.
func Options(service, name string) []Option {
	var parsed []option
	if op := findOperation(service, name); op != nil {
		parsed = op.parser(false).options
	}
	out := make([]Option, 0, len(parsed)+len(globals))
	for _, d := range descriptions {
		for i, o := range append(parsed, globals...) {
			if o.flag == d.flag {
				global := i >= len(parsed) || slices.Contains([]string{inputJSON, inputYAML, skeleton}, o.flag)
				out = append(out, Option{o.flag, d.value, o.choices, d.text, global})
			}
		}
	}
	return out
}

// descriptions say in our words what the options of the AWS CLI are for, in the order
// of the help. A value that has choices needs no name.
var descriptions = []struct{ flag, value, text string }{
	{"--target", "TARGET", `the instance: an id, and but for "ssmguard aws" a Name tag, tag:KEY=VALUE or a private address, too`},
	{"--document-name", "DOCUMENT", "the document that says what kind of session it is; without it, a shell"},
	{"--parameters", "PARAMETERS", "the document's parameters, NAME=VALUE,NAME=VALUE or JSON"},
	{"--reason", "TEXT", "why the session is started, for the session's history"},
	{"--cluster", "CLUSTER", "the task's cluster, by name or ARN; without it, the one called default"},
	{"--task", "TASK", "the task, by id or ARN"},
	{"--container", "CONTAINER", "the container, where the task has more than one"},
	{"--command", "COMMAND", "the command to run in the container"},
	{"--interactive", "", "run the command with a terminal; ECS requires it"},
	{"--no-interactive", "", "without one, which ECS refuses"},
	{"--profile", "PROFILE", "the profile of ~/.aws/config whose credentials and region are used"},
	{"--region", "REGION", "the region"},
	{"--debug", "", "say on stderr what is asked, and what AWS answers"},
	{"--endpoint-url", "URL", "call AWS at this address"},
	{"--ca-bundle", "FILE", "the certificates that AWS's is verified by"},
	{"--no-verify-ssl", "", "do not verify AWS's certificate"},
	{"--no-sign-request", "", "use no credentials"},
	{"--cli-connect-timeout", "SECONDS", "how long a connection to AWS may take"},
	{"--cli-read-timeout", "SECONDS", "how long an answer of AWS may take"},
	{"--cli-input-json", "JSON", "the whole request, or file://PATH"},
	{"--cli-input-yaml", "YAML", "the whole request in YAML, or file://PATH"},
	{"--generate-cli-skeleton", "", "have the next aws in PATH print a request to fill in, and start nothing"},
	{"--output", "", "the format of what the AWS CLI prints; a session prints nothing in it"},
	{"--query", "EXPRESSION", "what of that is printed; without effect on a session"},
	{"--color", "", "whether it is printed in colour"},
	{"--cli-error-format", "", "how an error of AWS is printed"},
	{"--cli-binary-format", "", "how binary parameters are written; a session has none"},
	{"--cli-auto-prompt", "", "leave the command line to the AWS CLI, which asks for options"},
	{"--no-cli-auto-prompt", "", "do not leave it to the AWS CLI, whatever the configuration says"},
	{"--no-cli-pager", "", "without effect on a session"},
	{"--no-paginate", "", "without effect on a session"},
	{"--version", "", "print the version"},
}
