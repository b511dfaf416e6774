package awsssm

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"ssmguard/internal/awsapi"
)

// emptyPayload is the SHA-256 of no bytes, in hex.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// dataKeySize is the size of a session's data key in bytes: one half for each direction.
const dataKeySize = 64

// Sign returns a function that signs the upgrade request of a data channel's websocket:
// SigV4 for service ssmmessages in the configuration's region, with the credentials
// that are valid at the call.
func Sign(cfg aws.Config) func(ctx context.Context, r *http.Request) error {
	signer, clock := v4.NewSigner(), awsapi.ClockOf(cfg)
	return func(ctx context.Context, r *http.Request) error {
		credentials, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		return signer.SignHTTP(ctx, credentials, r, emptyPayload, "ssmmessages", cfg.Region, clock.Now())
	}
}

// DataKey returns a function that calls kms:GenerateDataKey for the key of an encrypted
// session. Errors are those of Client.
func DataKey(cfg aws.Config) func(ctx context.Context, keyID string, encryptionContext map[string]string) (plaintext, ciphertext []byte, err error) {
	return func(ctx context.Context, keyID string, encryptionContext map[string]string) ([]byte, []byte, error) {
		out, err := awsapi.Call[struct{ Plaintext, CiphertextBlob []byte }](ctx, awsapi.KMS(cfg), "", "GenerateDataKey", map[string]any{
			"KeyId": keyID, "NumberOfBytes": dataKeySize, "EncryptionContext": encryptionContext,
		})
		if err != nil {
			return nil, nil, translate("GenerateDataKey", err)
		}
		return out.Plaintext, out.CiphertextBlob, nil
	}
}
