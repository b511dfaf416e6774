package configs

import "testing"

func TestHosts(t *testing.T) {
	const alone = "--host is a host name or an address alone; did you mean "
	const loopback = ": agents from 3.3.4851.0 on forward to no loopback address as a remote host"
	const credentials = ": agents do not forward to the address where instances, tasks and pods get their credentials"
	for host, want := range map[string]string{
		"": "", "db": "", "db.internal": "", "db.internal.": "", "my_container": "", "10.0.0.1": "", "fd12::1": "", "fe80::1%eth0": "",
		"localhost": "", "LOCALHOST": "", "127.0.0.1": "", "::1": "",
		"127.0.0.2":                       `--host cannot be "127.0.0.2"` + loopback,
		"::ffff:127.0.0.1":                `--host cannot be "::ffff:127.0.0.1"` + loopback,
		"169.254.169.254":                 `--host cannot be "169.254.169.254"` + credentials,
		"169.254.170.2":                   `--host cannot be "169.254.170.2"` + credentials,
		"169.254.170.23":                  `--host cannot be "169.254.170.23"` + credentials,
		"fd00:ec2:0::23":                  `--host cannot be "fd00:ec2:0::23"` + credentials,
		"[::1]":                           alone + "--host ::1?",
		"[fd12::1]:5432":                  alone + "--host fd12::1 and --port 5432?",
		"db:5432":                         alone + "--host db and --port 5432?",
		" db ":                            alone + "--host db?",
		"http://db:80":                    alone + "--host db and --port 80?",
		"https://db/x":                    alone + "--host db and --port 443?",
		"other://db/x":                    alone + "--host db?",
		"jdbc:postgresql://db/x":          alone + "--host db and --port 5432?",
		"mysql://u:hunter2@db:3307/x?y=z": alone + "--host db and --port 3307?",
		"a b":                             "--host is neither a host name nor an address",
		"u:hunter2@db":                    "--host is neither a host name nor an address",
		"db:port":                         "--host is neither a host name nor an address",
		"db/x":                            "--host is neither a host name nor an address",
		"-db":                             "--host is neither a host name nor an address",
		"a..b":                            "--host is neither a host name nor an address",
	} {
		got := ""
		for _, fault := range (Tunnel{Host: host, Port: 1}).EndFaults(func(key string) string { return "--" + key }) {
			got += fault.Text
		}
		if got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestIsTarget(t *testing.T) {
	for host, want := range map[string]bool{"": true, "localhost": true, "Localhost.": true, "127.0.0.1": true, "::1": true, "db": false, "127.0.0.2": false, "10.0.0.1": false} {
		if IsTarget(host) != want {
			t.Errorf("%q: %v, want %v", host, !want, want)
		}
	}
}
