package tunnel

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/configs"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy/awsdb"
)

// TestHostileRows: nothing that is listed of tunnels acts on a terminal, a runner or a
// reader: names, states, addresses, the errors of far ends.
func TestHostileRows(t *testing.T) {
	for _, text := range safetexttest.Texts {
		var s keeper.Status
		safetexttest.Fill(&s, text)
		other := s
		other.Foreground = false
		var out bytes.Buffer
		if err := listTunnels(&env.Process{Stdout: &out, Stderr: &out}, []keeper.Status{s, other, {Tunnel: "ssmguard", Name: "x"}}); err != nil {
			t.Fatal(err)
		}
		if fault := safetexttest.Fault(out.String()); fault != "" || strings.Count(out.String(), "\n") != 4 {
			t.Errorf("%s in\n%s", fault, out.String())
		}
	}
}

// TestHostileLookups: nor what AWS says of a database that was looked up.
func TestHostileLookups(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for _, make := range []func() error{
			func() error { e := new(awsdb.NotFoundError); safetexttest.Fill(e, text); return e },
			func() error { e := new(awsdb.NotFoundError); safetexttest.Fill(e, text); e.Refused = nil; return e },
			func() error {
				return &awsdb.NotFoundError{Name: "x", Refused: []error{errors.New("An error occurred (AccessDenied) when calling the DescribeDBInstances operation: User: arn:aws:sts::111122223333:assumed-role/dev/" + text +
					" is not authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:us-east-1:111122223333:db:" + text + " because no identity-based policy allows it")}}
			},
			func() error { e := new(awsdb.NoEndpointError); safetexttest.Fill(e, text); return e },
			func() error { return errors.New(text) },
		} {
			var conf configs.Tunnel
			safetexttest.Fill(&conf, text)
			var out bytes.Buffer
			exit.Report(&env.Process{Stdout: &out, Stderr: &out}, lookupError(make(), conf, text))
			if fault := safetexttest.Fault(out.String()); fault != "" {
				t.Errorf("%s in\n%s", fault, out.String())
			}
		}
	}
}

// TestHostileAccess: a control character goes into no format in which a client is told
// how to connect, whatever field it is in.
func TestHostileAccess(t *testing.T) {
	for name := range formats {
		for _, set := range []func(*access, string){
			func(a *access, s string) { a.Host = s }, func(a *access, s string) { a.Port = s }, func(a *access, s string) { a.Real = s },
			func(a *access, s string) { a.User = s }, func(a *access, s string) { a.Database = s }, func(a *access, s string) { a.Password = s },
		} {
			a := access{Host: "127.0.0.1", Port: "5432", Real: "db.internal", User: "u", Database: "d", Password: "p", Format: name}
			set(&a, "x\nmalformed=1")
			if text, err := a.text(); err == nil {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}
