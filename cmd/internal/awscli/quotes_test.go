package awscli

import (
	"errors"
	"testing"
)

func TestWithoutQuotes(t *testing.T) {
	for value, want := range map[string]string{
		`{portNumber:[3306]}`:                         "--parameters portNumber=3306",
		`{portNumber:[3306],localPortNumber:[13306]}`: "--parameters portNumber=3306,localPortNumber=13306",
		`{ host: [db.internal], portNumber: [5432] }`: "--parameters host=db.internal,portNumber=5432",
		`{command:[ls -l /]}`:                         "--parameters portNumber=3306,localPortNumber=13306",
		`{'portNumber':['22']}`:                       "",
		`{"portNumber":[22]`:                          "",
		`{bad json`:                                   "",
	} {
		_, err := Parse([]string{"ssm", "start-session", "--target", "i-0123456789abcdef0", "--parameters", value}, Env{})
		if err == nil {
			t.Fatalf("%s is taken", value)
		}
		if got := WithoutQuotes(err); got != want {
			t.Errorf("%s: %q, want %q\n%v", value, got, want, err)
		}
	}
	if got := WithoutQuotes(errors.New("no")); got != "" {
		t.Errorf("%q", got)
	}
}
