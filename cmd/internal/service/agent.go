package service

import (
	"encoding/xml"
	"path/filepath"
	"strings"
)

// launchd is the service manager of macOS: an agent of the user, see launchd.plist(5).
var launchd = manager{
	name:    "launchd",
	program: "launchctl",
	file: func(s Service) string {
		return filepath.Join(s.Home, "Library", "LaunchAgents", label(s.Tunnel)+".plist")
	},
	refuses: func(Service) error { return nil },
	text:    agent,
	start: func(s Service) [][]string {
		return [][]string{{"launchctl", "bootstrap", "gui/" + s.User, launchdFile(s)}}
	},
	stop: func(s Service) [][]string {
		return [][]string{{"launchctl", "bootout", "gui/" + s.User + "/" + label(s.Tunnel)}}
	},
	logs: func(s Service) string { return "tail -f " + s.log() },
	note: "it runs while you are logged in; launchd knows no exit codes, so that a wrong configuration is tried again every minute",
}

func launchdFile(s Service) string {
	return filepath.Join(s.Home, "Library", "LaunchAgents", label(s.Tunnel)+".plist")
}

func label(tunnel string) string { return "ssmguard.tunnel." + tunnel }

// log is the file with what the service says, where the manager keeps none.
func (s Service) log() string {
	return filepath.Join(s.Home, "Library", "Logs", label(s.Tunnel)+".log")
}

// agent is the property list of a service for launchd, which starts it again unless it ends
// with 0: after `ssmguard tunnel down` it stays closed.
func agent(s Service) string {
	var b strings.Builder
	b.WriteString(xml.Header)
	b.WriteString("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n")
	b.WriteString("<!-- " + mark + " -->\n<plist version=\"1.0\">\n<dict>\n")
	text := func(indent, element, value string) {
		b.WriteString(indent + "<" + element + ">")
		xml.EscapeText(&b, []byte(value)) //nolint:errcheck // a Builder takes everything
		b.WriteString("</" + element + ">\n")
	}
	pair := func(indent, key, value string) {
		text(indent, "key", key)
		text(indent, "string", value)
	}
	pair("\t", "Label", label(s.Tunnel))
	b.WriteString("\t<key>ProgramArguments</key>\n\t<array>\n")
	for _, word := range []string{s.Program, "tunnel", "up", s.Tunnel} {
		text("\t\t", "string", word)
	}
	b.WriteString("\t</array>\n")
	if s.Dir != "" {
		pair("\t", "WorkingDirectory", s.Dir)
	}
	if len(s.Variables) > 0 {
		b.WriteString("\t<key>EnvironmentVariables</key>\n\t<dict>\n")
		for _, v := range s.Variables {
			name, value, _ := strings.Cut(v, "=")
			pair("\t\t", name, value)
		}
		b.WriteString("\t</dict>\n")
	}
	pair("\t", "StandardOutPath", s.log())
	pair("\t", "StandardErrorPath", s.log())
	b.WriteString("\t<key>RunAtLoad</key>\n\t<true/>\n\t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n")
	b.WriteString("\t<key>ThrottleInterval</key>\n\t<integer>60</integer>\n</dict>\n</plist>\n")
	return b.String()
}
