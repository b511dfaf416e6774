package awsssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2instanceconnect"
)

var errKeyNotTaken = errors.New("EC2 Instance Connect did not take the key")

// PushKey calls SendSSHPublicKey of EC2 Instance Connect: for a minute from then
// on, sshd on the instance takes the public key, in OpenSSH's format, for the
// user. It works for EC2 instances only. Errors are those of Client.
func PushKey(ctx context.Context, cfg aws.Config, instance, user, publicKey string) error {
	send := ec2instanceconnect.NewFromConfig(cfg).SendSSHPublicKey
	out, err := send(ctx, &ec2instanceconnect.SendSSHPublicKeyInput{
		InstanceId: aws.String(instance), InstanceOSUser: aws.String(user), SSHPublicKey: aws.String(publicKey),
	})
	if err != nil {
		return translate("SendSSHPublicKey", err)
	}
	if !out.Success {
		return errKeyNotTaken
	}
	return nil
}
