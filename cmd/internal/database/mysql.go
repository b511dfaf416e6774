package database

import (
	"fmt"
	"strings"

	"ssmguard/internal/safetext"
)

// mysql writes an option file for the clients of MySQL, which MariaDB's read safely, too.
func (a Access) mysql() string {
	if a.Password == "" {
		return a.optionFile("", nil, "")
	}
	// A token is sent as a cleartext password. MySQL's client does that when an option
	// allows it, and then only over TLS. MariaDB's client always does it and has no
	// ssl-mode: it refuses a server without TLS only when it verifies the certificate
	// (10.11 verifies the name, too, and 127.0.0.1 is not the server's name). For MariaDB's
	// library, which drivers use, the option without a value is off.
	//
	// The token is not in [client], because PyMySQL, and mycli by it, read that group and no
	// other one, know none of these options, and send a cleartext password without TLS.
	password := optionLines([]setting{{"password", a.Password}})
	return a.optionFile("loose-enable-cleartext-plugin\nloose-ssl-mode="+a.mysqlMode()+"\n[client-mariadb]\nssl-verify-server-cert=1\n"+password, mysqlPrograms, password)
}

// mysqlMode is the ssl-mode of MySQL's client.
func (a Access) mysqlMode() string {
	if a.CA != "" {
		return "VERIFY_CA"
	}
	return "REQUIRED"
}

// mariadb writes an option file for MariaDB's clients alone, which warn of nothing in it.
func (a Access) mariadb() string {
	if a.Password == "" {
		return a.optionFile("", nil, "")
	}
	password := optionLines([]setting{{"password", a.Password}})
	return a.optionFile("[client-mariadb]\nssl-verify-server-cert=1\n"+password, mariadbPrograms, password)
}

// optionFile is an option file with more in its first groups, and with each program's group.
func (a Access) optionFile(more string, programs []string, password string) string {
	lines := "[client]\nprotocol=tcp\n" + optionLines([]setting{{"host", a.Host}, {"port", a.Port}, {"user", a.User}, {"ssl-ca", a.CA}}) + more
	if programs == nil {
		programs = []string{"mysql"} // MariaDB's client reads its group, too
	}
	for _, program := range programs {
		options := password
		if program == "mysql" || program == "mariadb-client" {
			options += optionLines([]setting{{"database", a.Database}})
		}
		if options != "" {
			lines += "[" + program + "]\n" + options
		}
	}
	return lines
}

// mysqlPrograms are the clients of MySQL that connect to a server. Each reads a group of
// its name.
var mysqlPrograms = []string{"mysql", "mysqladmin", "mysqlbinlog", "mysqlcheck", "mysqldump", "mysqlimport", "mysqlpump", "mysqlsh", "mysqlshow", "mysqlslap"}

// mariadbPrograms are the groups that only clients of MariaDB read, and which know a
// database; [client-mariadb] has the password for all of them.
var mariadbPrograms = []string{"mariadb-client"}

// optionLines returns the settings with a value as lines of an option file.
func optionLines(all []setting) string {
	var b strings.Builder
	for _, v := range all {
		if v.value != "" {
			quoted, err := safetext.Option(v.value)
			if err != nil {
				continue // Text refused it before
			}
			fmt.Fprintf(&b, "%s=%s\n", v.name, quoted)
		}
	}
	return b.String()
}

func (a Access) mysqlHint() string {
	hint := fmt.Sprintf("to verify TLS, whose certificate is for %s, add ssl-ca%s and ssl-mode=VERIFY_CA; VERIFY_IDENTITY, and ssl-verify-server-cert of MariaDB's client, need that name as the host, mapped to this machine in /etc/hosts", a.Real, a.authorities())
	if a.Password != "" {
		hint += "; MariaDB's client 10.11 sends a token only so; drivers of MySQL's library find it in the group mysql"
	}
	return hint
}

func (a Access) mariadbHint() string {
	hint := fmt.Sprintf("to verify TLS, whose certificate is for %s, add ssl-ca%s and ssl-verify-server-cert, with that name as the host, mapped to this machine in /etc/hosts", a.Real, a.authorities())
	if a.Password != "" {
		hint += "; 10.11 sends a token only so"
	}
	return hint
}
