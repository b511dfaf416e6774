package gateway

import "fmt"

// Kind is a session type, as the agent names its plugins.
type Kind string

// The session types.
const (
	Shell                  Kind = "Standard_Stream"
	InteractiveCommands    Kind = "InteractiveCommands"
	NonInteractiveCommands Kind = "NonInteractiveCommands"
	Port                   Kind = "Port"
)

// Properties are a session document's properties after its parameters have been
// filled in; the handshake shows them to the client.
type Properties struct {
	PortNumber          string    `json:"portNumber,omitempty"`
	LocalPortNumber     string    `json:"localPortNumber,omitempty"`
	LocalUnixSocket     string    `json:"localUnixSocket,omitempty"`
	LocalConnectionType string    `json:"localConnectionType,omitempty"`
	Host                string    `json:"host,omitempty"`
	Type                string    `json:"type,omitempty"` // LocalPortForwarding; empty for ssh
	Linux               *Commands `json:"linux,omitempty"`
}

// Commands are what a command session runs.
type Commands struct {
	Commands             string `json:"commands"`
	RunAsElevated        bool   `json:"runAsElevated"`
	SeparateOutputStream bool   `json:"separateOutputStream,omitempty"`
}

// localForwarding is the type of a port session that listens on the client's side.
const localForwarding = "LocalPortForwarding"

// documents says how each AWS-owned session document reads its parameters.
var documents = map[string]func(p func(string) string) SessionConfig{
	"": func(func(string) string) SessionConfig { return SessionConfig{Kind: Shell} },
	"SSM-SessionManagerRunShell": func(func(string) string) SessionConfig {
		return SessionConfig{Kind: Shell}
	},
	"AWS-StartSSHSession": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: Port, Properties: Properties{PortNumber: or(p("portNumber"), "22")}}
	},
	"AWS-StartPortForwardingSession": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: Port, Properties: Properties{Type: localForwarding,
			PortNumber: or(p("portNumber"), "80"), LocalPortNumber: or(p("localPortNumber"), "0")}}
	},
	"AWS-StartPortForwardingSessionToRemoteHost": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: Port, Properties: Properties{Type: localForwarding,
			Host: p("host"), PortNumber: or(p("portNumber"), "80"), LocalPortNumber: or(p("localPortNumber"), "0")}}
	},
	"AWS-StartPortForwardingSessionToSocket": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: Port, Properties: Properties{Type: localForwarding, LocalConnectionType: "unix",
			PortNumber: p("portNumber"), LocalUnixSocket: p("localUnixSocket")}}
	},
	"AWS-StartInteractiveCommand": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: InteractiveCommands, Properties: Properties{Linux: &Commands{Commands: p("command")}}}
	},
	"AWS-StartNonInteractiveCommand": func(p func(string) string) SessionConfig {
		return SessionConfig{Kind: NonInteractiveCommands, Properties: Properties{Linux: &Commands{
			Commands: p("command"), SeparateOutputStream: p("separateOutputStream") == "True"}}}
	},
}

// Document returns the session that an AWS-owned document (or the default one,
// for an empty name) describes with these parameters.
func Document(name string, parameters map[string][]string) (SessionConfig, error) {
	read, ok := documents[name]
	if !ok {
		return SessionConfig{}, fmt.Errorf("gateway: document %s is not known here", name)
	}
	return read(func(key string) string {
		if v := parameters[key]; len(v) > 0 {
			return v[0]
		}
		return ""
	}), nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
