package awscli

// A shape is the type of a parameter in the service's model, with the
// constraints that the CLI checks: types and minimum lengths.
type shape struct {
	kind   kind
	min    int    // shortest string
	key    *shape // of a map
	member *shape // of a map's values or a list's items
}

type kind int

const (
	stringKind kind = iota
	boolKind
	listKind
	mapKind
)

// A member is one parameter of an operation and the option that sets it.
type member struct {
	name     string
	flag     string
	shape    *shape
	required bool
}

// An operation is a command of ours.
type operation struct {
	command Command
	service string
	name    string // as typed
	members []member
}

func (op *operation) member(name string) *member {
	for i := range op.members {
		if op.members[i].name == name {
			return &op.members[i]
		}
	}
	return nil
}

var (
	anyString   = &shape{kind: stringKind}
	someString  = &shape{kind: stringKind, min: 1}
	sessionArgs = &shape{kind: mapKind, key: someString, member: &shape{kind: listKind, member: someString}}
)

// operations are the commands handled here, from the service models of SSM and ECS.
var operations = []operation{
	{
		command: StartSession, service: "ssm", name: "start-session",
		members: []member{
			{name: "Target", flag: "--target", shape: someString, required: true},
			{name: "DocumentName", flag: "--document-name", shape: anyString},
			{name: "Reason", flag: "--reason", shape: someString},
			{name: "Parameters", flag: "--parameters", shape: sessionArgs},
		},
	},
	{
		command: ExecuteCommand, service: "ecs", name: "execute-command",
		members: []member{
			{name: "cluster", flag: "--cluster", shape: anyString},
			{name: "container", flag: "--container", shape: anyString},
			{name: "command", flag: "--command", shape: anyString, required: true},
			{name: "interactive", flag: "--interactive", shape: &shape{kind: boolKind}, required: true},
			{name: "task", flag: "--task", shape: anyString, required: true},
		},
	},
}

// findOperation returns the operation of ours, nil if the command is another's.
func findOperation(service, name string) *operation {
	for i := range operations {
		if operations[i].service == service && operations[i].name == name {
			return &operations[i]
		}
	}
	return nil
}

// parser is the third pass: the options of the operation, and the word "help".
// required is false when a whole request is given by other means.
func (op *operation) parser(required bool) *parser {
	p := &parser{positional: "help", optional: true}
	for _, m := range op.members {
		if m.shape.kind == boolKind {
			// A required switch is not required here: the CLI finds it missing later.
			p.options = append(p.options,
				option{flag: m.flag, dest: m.flag, values: none, constant: "true"},
				option{flag: "--no-" + m.flag[2:], dest: m.flag, values: none, constant: "false"})
			continue
		}
		p.options = append(p.options, option{flag: m.flag, required: m.required && required})
	}
	p.options = append(p.options,
		option{flag: inputJSON}, option{flag: inputYAML},
		option{flag: skeleton, values: maybe})
	return p
}

const (
	inputJSON = "--cli-input-json"
	inputYAML = "--cli-input-yaml"
	skeleton  = "--generate-cli-skeleton"
)

// globals are the options of the first pass, in the order in which the CLI lists them.
var globals = []option{
	{flag: "--debug", values: none, constant: "true"},
	{flag: "--endpoint-url"},
	{flag: "--no-verify-ssl", values: none, constant: "true"},
	{flag: "--no-paginate", values: none, constant: "true"},
	{flag: "--output", choices: []string{"json", "text", "table", "yaml", "yaml-stream", "off"}},
	{flag: "--query"},
	{flag: "--profile"},
	{flag: "--region"},
	{flag: "--color", choices: []string{"on", "off", "auto"}},
	{flag: "--no-sign-request", values: none, constant: "true"},
	{flag: "--ca-bundle"},
	{flag: "--cli-read-timeout"},
	{flag: "--cli-connect-timeout"},
	{flag: "--cli-binary-format", choices: []string{"base64", "raw-in-base64-out"}},
	{flag: "--no-cli-pager", values: none, constant: "true"},
	{flag: "--cli-auto-prompt", values: none, constant: "true"},
	{flag: "--no-cli-auto-prompt", values: none, constant: "true"},
	{flag: "--cli-error-format", choices: []string{"legacy", "json", "yaml", "text", "table", "enhanced"}},
	{flag: "--version", values: none, constant: "true"},
}
