package awscli

import "slices"

// Option is an option of the AWS CLI as help and completion show it.
type Option struct {
	Flag    string   // with its dashes
	Value   string   // what its value is, "" for a switch
	Choices []string // all values, if they are limited
	Text    string
	Global  bool // of other commands of the AWS CLI, too
	Works   Effect
}

// Effect says where an option of the AWS CLI, which every command line may have, does
// something.
type Effect int

// The effects of options.
const (
	Everywhere Effect = iota // on whatever is asked of AWS
	OnSessions               // on what starts a session, or is handed on to the AWS CLI
	OnAWSVoice               // on command lines of the AWS CLI alone
	OnNothing                // it is accepted
)

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
				out = append(out, Option{o.flag, d.value, o.choices, d.text, global, d.works})
			}
		}
	}
	return out
}

// descriptions say in our words what the options of the AWS CLI are for, in the order
// of the help. A value that has choices needs no name.
var descriptions = []struct {
	flag, value, text string
	works             Effect
}{
	{"--target", "TARGET", "the instance: an id, a Name tag, tag:KEY=VALUE or a private address", Everywhere},
	{"--document-name", "DOCUMENT", "the document that says what kind of session it is; without it, a shell", Everywhere},
	{"--parameters", "PARAMETERS", "the document's parameters, NAME=VALUE,NAME=VALUE or JSON", Everywhere},
	{"--reason", "TEXT", "why the session is started, for the session's history", OnSessions},
	{"--cluster", "CLUSTER", "the task's cluster, by name or ARN; without it, the one called default", Everywhere},
	{"--task", "TASK", "the task, by id or ARN", Everywhere},
	{"--container", "CONTAINER", "the container, where the task has more than one", Everywhere},
	{"--command", "COMMAND", "the command to run in the container", Everywhere},
	{"--interactive", "", "run the command with a terminal; ECS requires it", Everywhere},
	{"--no-interactive", "", "without one, which ECS refuses", Everywhere},
	{"--profile", "PROFILE", "the profile of ~/.aws/config whose credentials and region are used", Everywhere},
	{"--region", "REGION", "the region", Everywhere},
	{"--debug", "", "say on stderr what is asked, and what AWS answers", Everywhere},
	{"--endpoint-url", "URL", "call AWS at this address", Everywhere},
	{"--ca-bundle", "FILE", "the certificates that AWS's is verified by", Everywhere},
	{"--no-verify-ssl", "", "do not verify AWS's certificate", Everywhere},
	{"--no-sign-request", "", "use no credentials", Everywhere},
	{"--cli-connect-timeout", "SECONDS", "how long a connection to AWS may take", Everywhere},
	{"--cli-read-timeout", "SECONDS", "how long an answer of AWS may take", Everywhere},
	{"--cli-input-json", "JSON", "the whole request, or file://PATH", Everywhere},
	{"--cli-input-yaml", "YAML", "the whole request in YAML, or file://PATH", Everywhere},
	{"--generate-cli-skeleton", "", "have the next aws in PATH print a request to fill in, and start nothing", OnSessions},
	{"--output", "", "the format of what the AWS CLI prints; a session prints nothing in it", OnNothing},
	{"--query", "EXPRESSION", "what of that is printed; without effect on a session", OnNothing},
	{"--color", "", "whether it is printed in colour", OnNothing},
	{"--cli-error-format", "", "how an error of AWS is printed", OnAWSVoice},
	{"--cli-binary-format", "", "how binary parameters are written; a session has none", OnNothing},
	{"--cli-auto-prompt", "", "leave the command line to the AWS CLI, which asks for options", OnAWSVoice},
	{"--no-cli-auto-prompt", "", "do not leave it to the AWS CLI, whatever the configuration says", OnAWSVoice},
	{"--no-cli-pager", "", "without effect on a session", OnNothing},
	{"--no-paginate", "", "without effect on a session", OnNothing},
	{"--version", "", "print the version", OnNothing},
}
