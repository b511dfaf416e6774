package service

import (
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/exit"
)

// systemd is the service manager of most Linux systems: a unit of the user's own manager, see
// systemd.service(5) and systemd.unit(5).
var systemd = manager{
	name:    "systemd",
	program: "systemctl",
	file: func(s Service) string {
		return filepath.Join(s.Config, "systemd", "user", unitName(s.Tunnel))
	},
	refuses: func(s Service) error {
		if strings.ContainsAny(s.Program, `"'\`) {
			return exit.Coded("systemd starts no program whose path has quotes or backslashes: "+s.Program, exit.Config)
		}
		return nil
	},
	text: unit,
	start: func(s Service) [][]string {
		return [][]string{{"systemctl", "--user", "daemon-reload"}, {"systemctl", "--user", "enable", "--now", unitName(s.Tunnel)}}
	},
	stop: func(s Service) [][]string {
		return [][]string{{"systemctl", "--user", "disable", "--now", unitName(s.Tunnel)}}
	},
	after: [][]string{{"systemctl", "--user", "daemon-reload"}},
	logs:  func(s Service) string { return "journalctl --user -u " + unitName(s.Tunnel) },
	note:  "it runs while you are logged in; `loginctl enable-linger` has it run from boot",
}

func unitName(tunnel string) string { return "ssmguard-" + tunnel + ".service" }

// unit is the file of a service for systemd. What a restart cannot mend, a wrong command line
// or configuration, is not tried again.
func unit(s Service) string {
	var b strings.Builder
	b.WriteString("# " + mark + "\n")
	b.WriteString("[Unit]\nDescription=ssmguard tunnel " + s.Tunnel + "\n\n[Service]\n")
	b.WriteString("ExecStart=" + systemdWord(s.Program) + " tunnel up " + s.Tunnel + "\n")
	if s.Dir != "" {
		b.WriteString("WorkingDirectory=" + strings.ReplaceAll(s.Dir, "%", "%%") + "\n")
	}
	for _, v := range s.Variables {
		b.WriteString("Environment=" + systemdWord(v) + "\n")
	}
	b.WriteString("Restart=on-failure\nRestartSec=30\n")
	b.WriteString("# " + exitNote + "\n")
	b.WriteString("RestartPreventExitStatus=252 253\n# Ends by a signal are no failures.\nSuccessExitStatus=130 143\n\n[Install]\nWantedBy=default.target\n")
	return b.String()
}

// exitNote says which ends a restart does not mend.
var exitNote = "A wrong command line or configuration is not mended by a restart."

// systemdWord is a word of a unit's setting: in quotes, with what systemd expands or takes for an
// escape written as itself. The name of the program may not have quotes and backslashes all the
// same, and variables are not expanded in it.
func systemdWord(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(word) + `"`
}

// checked refuses what neither manager's file can hold.
func checked(what, value string) error {
	if strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xFFFD }) >= 0 {
		return exit.Coded(what+" has a control character, which no service's file can have", exit.Config)
	}
	return nil
}
