package finding

import (
	"errors"
	"testing"
)

func TestCauses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("no answer within 5s"), "no answer within 5s"},
		{errors.New("iam:GetUser: no answer in time"), "iam:GetUser: no answer in time"},
		{
			errors.Join(
				errors.New("ssm:GetDocument: no usable answer: connection refused"),
				errors.Join(errors.New("iam:GetUser: no answer in time"), errors.New("ssm:GetConnectionStatus: no usable answer: connection refused")),
			),
			"ssm:GetDocument, ssm:GetConnectionStatus: no usable answer: connection refused; iam:GetUser: no answer in time",
		},
	} {
		if got := causes(test.err); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
