package database

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// MariaDB's programs send nothing to a server without TLS when they read an option
// file of ours with a token, and the token to one that they have verified by its
// name. What they make of TLS on 127.0.0.1 differs: 10.11 wants a certificate for
// that name, 11.8 takes any. `.ci/tunnel-mariadb` installs them.
func TestMariaDBSendsNoTokenWithoutTLS(t *testing.T) {
	if _, err := exec.LookPath("mariadb"); err != nil {
		t.Skip("MariaDB's client is not installed")
	}
	const token = "db.example.com:3306/?Action=connect&X-Amz-Signature=0123456789abcdef"
	certificate, authority := localhostCertificate(t)
	text := func(host, port string) string {
		text, err := Access{Host: host, Port: port, Real: "localhost", User: "app", Database: "shop", Password: token, Engine: Of(Facts{AWS: "mysql"}), Called: "mysql", Format: "mysql"}.Text()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	// The listener sees a token that is sent.
	careless := func(host, port string) string {
		return "[client]\nprotocol=tcp\nhost=" + host + "\nport=" + port + "\nuser=app\npassword=\"" + token + "\"\nskip-ssl\n"
	}
	for _, test := range []struct {
		name string
		cert *tls.Certificate // nil: no TLS
		file func(host, port string) string
		args []string
		sent bool // the token is, in TLS if there is any
	}{
		{"no TLS, nothing asked for", nil, careless, nil, true},
		{"no TLS", nil, text, nil, false},
		{"no TLS, with the authority and the name", nil, text, []string{"--host=localhost", "--ssl-ca=" + authority}, false},
		{"TLS of an authority that is not known", &certificate, text, []string{"--host=localhost"}, false},
		{"TLS of the right server", &certificate, text, []string{"--host=localhost", "--ssl-ca=" + authority}, true},
	} {
		programs := [][]string{{"mariadb", "-e", "select 1"}, {"mariadb-dump", "shop"}, {"mariadb-admin", "status"}}
		if driver := driverOfMariaDB(); driver != nil && test.args == nil {
			programs = append(programs, driver)
		}
		for _, program := range programs {
			t.Run(test.name+"/"+filepath.Base(program[0]), func(t *testing.T) {
				clear, inTLS, said := meetMariaDB(t, test.cert, test.file, program, test.args)
				where := clear
				if test.cert != nil {
					where = inTLS
					if len(clear) > 36 { // the request for TLS, with neither user nor password
						t.Errorf("%d bytes went in the clear: %q", len(clear), clear)
					}
				}
				switch sent := bytes.Contains(where, []byte(token)); {
				case sent != test.sent:
					t.Errorf("sent: %v, want %v; the server got %q; the client said: %s", sent, test.sent, where, said)
				case !test.sent && test.cert == nil && len(clear) > 0:
					t.Errorf("the server got %q", clear)
				case !test.sent && !strings.Contains(said, "SSL"):
					t.Errorf("the client said something else: %s", said)
				}
			})
		}
	}
}

// driverOfMariaDB is a program that connects with MariaDB's library and the option
// file behind it; nil without one.
func driverOfMariaDB() []string {
	const python = "/usr/bin/python3" // the system's, which has the system's modules
	if exec.Command(python, "-c", "import MySQLdb; assert not MySQLdb.get_client_info().startswith('8')").Run() != nil {
		return nil
	}
	return []string{python, "-c", "import MySQLdb, sys; MySQLdb.connect(read_default_file=sys.argv[1], connect_timeout=30)"}
}

// meetMariaDB runs one of MariaDB's programs against a server that asks for the
// password as it is, and returns what the server got before and in TLS.
func meetMariaDB(t *testing.T, cert *tls.Certificate, file func(host, port string) string, program, args []string) (clear, inTLS []byte, said string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c, s := greetAsMySQL(conn, cert)
			clear, inTLS = append(clear, c...), append(inTLS, s...)
		}
	}()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	options := filepath.Join(home, "options")
	if err := os.WriteFile(options, []byte(file(host, port)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	line := slices.Concat([]string{"--defaults-file=" + options}, args, program[1:])
	if !strings.HasPrefix(program[0], "mariadb") {
		line = append(slices.Clone(program[1:]), options)
	}
	c := exec.CommandContext(ctx, program[0], line...)
	c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	out, err := c.CombinedOutput()
	if err == nil {
		t.Errorf("a server that says no was believed: %s", out)
	}
	l.Close()
	<-served
	return clear, inTLS, string(out)
}

// greetAsMySQL speaks the beginning of MySQL's protocol on a connection: it
// greets, takes TLS if it has a certificate, wants the password by
// mysql_clear_password, and hangs up.
func greetAsMySQL(conn net.Conn, cert *tls.Certificate) (clear, inTLS []byte) {
	defer conn.Close()
	const longPassword, withDatabase, protocol41, withTLS, secureConnection, pluginAuth = 1, 8, 1 << 9, 1 << 11, 1 << 15, 1 << 19
	able := uint32(longPassword | withDatabase | protocol41 | secureConnection | pluginAuth)
	if cert != nil {
		able |= withTLS
	}
	var b bytes.Buffer
	b.WriteString("\x0a8.0.40\x00\x01\x00\x00\x00abcdefgh\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(able))
	b.WriteString("\x21\x02\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(able>>16))
	b.WriteString("\x15" + strings.Repeat("\x00", 10) + "ijklmnopqrst\x00mysql_native_password\x00")
	if writePacket(conn, 0, b.Bytes()) != nil {
		return nil, nil
	}
	got := &clear
	if cert != nil {
		request, _, err := readPacket(conn)
		if clear = request; err != nil {
			return clear, nil
		}
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}})
		if secure.Handshake() != nil {
			return clear, nil
		}
		conn, got = secure, &inTLS
	}
	for _, answer := range []string{"\xfemysql_clear_password\x00", "\xff\x15\x04#28000no"} {
		said, seq, err := readPacket(conn)
		if *got = append(*got, said...); err != nil || writePacket(conn, seq+1, []byte(answer)) != nil {
			break
		}
	}
	return clear, inTLS
}

func writePacket(w io.Writer, seq byte, payload []byte) error {
	n := len(payload)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...))
	return err
}

// readPacket returns a packet with its header, or what there was of it.
func readPacket(r io.Reader) (packet []byte, seq byte, err error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil {
		return head[:n], 0, err
	}
	payload := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	n, err = io.ReadFull(r, payload)
	return append(head, payload[:n]...), head[3], err
}

// localhostCertificate is a certificate for localhost, and the file of the
// authority that it is of.
func localhostCertificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
