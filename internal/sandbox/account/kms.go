package account

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"strings"

	"ssmguard/internal/sandbox/world"
)

var kmsOperations = map[string]handler{
	"GenerateDataKey": generateDataKey,
	"DescribeKey":     describeKey,
}

// dataKey is a key the account has generated and will decrypt.
type dataKey struct {
	plain   []byte
	context map[string]string
}

func (c *call) keyARN(k *world.Key) string {
	return c.arn("kms", orElse(k.Region, c.world.Region), "key/"+k.ID)
}

// key finds a KMS key by id, alias or the ARN of either; keys of other accounts are not here.
func (c *call) key(id string) *world.Key {
	for i := range c.world.Keys {
		k := &c.world.Keys[i]
		alias := "alias/" + k.Alias
		here := orElse(k.Region, c.world.Region) == c.region
		if here && (id == k.ID || id == c.keyARN(k) || k.Alias != "" && (id == alias || id == c.arn("kms", c.region, alias))) {
			return k
		}
	}
	return nil
}

// keyFor authorizes an action on a key and finds it. A key whose policy does not
// delegate to IAM answers for itself.
func (c *call) keyFor(action, id string, keys map[string]string) (*world.Key, error) {
	k := c.key(id)
	if k == nil {
		arn := id
		if !strings.HasPrefix(id, "arn:") {
			arn = c.arn("kms", c.region, "key/"+id)
		}
		return nil, refuse("NotFoundException", "Key '%s' does not exist", arn)
	}
	keys["kms:CallerAccount"] = c.world.Account
	if strings.HasPrefix(id, "alias/") {
		keys["kms:RequestAlias"] = id
	}
	on := object{arn: c.keyARN(k), keys: keys}
	if k.Sealed {
		return nil, c.denied(action, on, reason{layer: "resource-based policy"})
	}
	if err := c.authorize(action, on); err != nil {
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

func generateDataKey(c *call) (any, error) {
	var in dataKeyInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	keys := make(map[string]string)
	for k, v := range in.EncryptionContext {
		keys["kms:EncryptionContext:"+k] = v
	}
	k, err := c.keyFor("kms:GenerateDataKey", in.KeyID, keys)
	if err != nil {
		return nil, err
	}
	size := map[string]int{"AES_256": 32, "AES_128": 16}[in.KeySpec]
	if size == 0 {
		size = in.NumberOfBytes
	}
	if size < 1 || size > 1024 {
		return nil, refuse("ValidationException", "Please specify either number of bytes or key spec.")
	}
	plain, blob := make([]byte, size), make([]byte, 168)
	rand.Read(plain)
	rand.Read(blob)
	c.dataKeys[base64.StdEncoding.EncodeToString(blob)] = dataKey{plain, maps.Clone(in.EncryptionContext)}
	return dataKeyAnswer{blob, plain, c.keyARN(k)}, nil
}

// Decrypt returns the plain text of a data key to the agent, as kms:Decrypt
// does: only with the encryption context it was generated with.
func (s *Server) Decrypt(blob []byte, encryptionContext map[string]string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.dataKeys[base64.StdEncoding.EncodeToString(blob)]
	if !ok || !maps.Equal(k.context, encryptionContext) {
		return nil, errors.New("InvalidCiphertextException")
	}
	return k.plain, nil
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

func describeKey(c *call) (any, error) {
	var in dataKeyInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	k, err := c.keyFor("kms:DescribeKey", in.KeyID, make(map[string]string))
	if err != nil {
		return nil, err
	}
	m := keyMetadata{c.world.Account, k.ID, c.keyARN(k), true, "Enabled", "ENCRYPT_DECRYPT", "CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", false}
	if k.AWSManaged {
		m.KeyManager = "AWS"
	}
	return struct{ KeyMetadata keyMetadata }{m}, nil
}
