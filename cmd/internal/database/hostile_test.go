package database

import (
	"bytes"
	"errors"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy/awsdb"
)

// TestHostileLookups: what AWS says of a database that was looked up acts on no terminal.
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
			exit.Report(&env.Process{Stdout: &out, Stderr: &out}, LookupError(make(), conf, text))
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
		for _, set := range []func(*Access, string){
			func(a *Access, s string) { a.Host = s }, func(a *Access, s string) { a.Port = s }, func(a *Access, s string) { a.Real = s },
			func(a *Access, s string) { a.User = s }, func(a *Access, s string) { a.Database = s }, func(a *Access, s string) { a.Password = s },
		} {
			a := Access{Host: "127.0.0.1", Port: "5432", Real: "db.internal", User: "u", Database: "d", Password: "p", Format: name}
			set(&a, "x\nmalformed=1")
			if text, err := a.Text(); err == nil {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}
