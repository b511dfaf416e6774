package awsssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
)

var errKeyNotTaken = errors.New("EC2 Instance Connect did not take the key")

// PushKey calls SendSSHPublicKey of EC2 Instance Connect: for one minute sshd on the
// instance accepts the public key, in OpenSSH's format, for the user. It works for EC2
// instances only. Errors are those of Client.
func PushKey(ctx context.Context, cfg aws.Config, instance, user, publicKey string) error {
	out, err := awsapi.Call[struct{ Success bool }](ctx, awsapi.InstanceConnect(cfg), "", "SendSSHPublicKey",
		map[string]string{"InstanceId": instance, "InstanceOSUser": user, "SSHPublicKey": publicKey})
	if err != nil {
		return translate("SendSSHPublicKey", err)
	}
	if !out.Success {
		return errKeyNotTaken
	}
	return nil
}
