package account

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var kmsOperations = map[string]api.Handler{
	"GenerateDataKey": generateDataKey,
	"DescribeKey":     describeKey,
}

func arnOfKey(c *api.Request, k *world.Key) string {
	return c.ARN("kms", api.OrElse(k.Region, c.World.Region), "key/"+k.ID)
}

// key finds a KMS key by id, alias or the ARN of either; the account has no keys of
// other accounts.
func key(c *api.Request, id string) *world.Key {
	for i := range c.World.Keys {
		k := &c.World.Keys[i]
		alias := "alias/" + k.Alias
		here := api.OrElse(k.Region, c.World.Region) == c.Region
		if here && (id == k.ID || id == arnOfKey(c, k) || k.Alias != "" && (id == alias || id == c.ARN("kms", c.Region, alias))) {
			return k
		}
	}
	return nil
}

// keyFor authorizes an action on a key and finds it. If a key's policy does not
// delegate to IAM, only the key policy decides.
func keyFor(c *api.Request, action, id string, keys map[string]string) (*world.Key, error) {
	k := key(c, id)
	if k == nil {
		arn := id
		if !strings.HasPrefix(id, "arn:") {
			arn = c.ARN("kms", c.Region, "key/"+id)
		}
		return nil, api.Refuse("NotFoundException", "Key '%s' does not exist", arn)
	}
	keys["kms:CallerAccount"] = c.World.Account
	if strings.HasPrefix(id, "alias/") {
		keys["kms:RequestAlias"] = id
	}
	on := api.Object{ARN: arnOfKey(c, k), Keys: keys}
	if k.Sealed {
		return nil, c.Denied(action, on, api.Reason{Layer: "resource-based policy"})
	}
	if err := c.Authorize(action, on); err != nil {
		return nil, err
	}
	return k, nil
}

type dataKeyInput struct {
	KeyID             string `json:"KeyId"`
	EncryptionContext map[string]string
	NumberOfBytes     int
	KeySpec           string
}

type dataKeyAnswer struct {
	CiphertextBlob []byte
	Plaintext      []byte
	KeyID          string `json:"KeyId"`
}

func generateDataKey(c *api.Request) (any, error) {
	var in dataKeyInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	keys := make(map[string]string)
	for k, v := range in.EncryptionContext {
		keys["kms:EncryptionContext:"+k] = v
	}
	k, err := keyFor(c, "kms:GenerateDataKey", in.KeyID, keys)
	if err != nil {
		return nil, err
	}
	size := map[string]int{"AES_256": 32, "AES_128": 16}[in.KeySpec]
	if size == 0 {
		size = in.NumberOfBytes
	}
	if size < 1 || size > 1024 {
		return nil, api.Refuse("ValidationException", "Please specify either number of bytes or key spec.")
	}
	plain, blob := make([]byte, size), make([]byte, 168)
	rand.Read(plain)
	rand.Read(blob)
	c.DataKeys[base64.StdEncoding.EncodeToString(blob)] = api.DataKey{Plain: plain, Context: maps.Clone(in.EncryptionContext)}
	return dataKeyAnswer{blob, plain, arnOfKey(c, k)}, nil
}

// Decrypt returns the plain text of a data key to the agent, as kms:Decrypt
// does: only with the encryption context it was generated with.
func Decrypt(s *api.Server, blob []byte, encryptionContext map[string]string) ([]byte, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	k, ok := s.DataKeys[base64.StdEncoding.EncodeToString(blob)]
	if !ok || !maps.Equal(k.Context, encryptionContext) {
		return nil, errors.New("InvalidCiphertextException")
	}
	return k.Plain, nil
}

type keyMetadata struct {
	AWSAccountID string `json:"AWSAccountId"`
	KeyID        string `json:"KeyId"`
	Arn          string
	Enabled      bool
	KeyState     string
	KeyUsage     string
	KeyManager   string
	KeySpec      string
	Origin       string
	MultiRegion  bool
}

func describeKey(c *api.Request) (any, error) {
	var in dataKeyInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	k, err := keyFor(c, "kms:DescribeKey", in.KeyID, make(map[string]string))
	if err != nil {
		return nil, err
	}
	m := keyMetadata{c.World.Account, k.ID, arnOfKey(c, k), true, "Enabled", "ENCRYPT_DECRYPT", "CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", false}
	if k.AWSManaged {
		m.KeyManager = "AWS"
	}
	return struct{ KeyMetadata keyMetadata }{m}, nil
}
