package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"ssmguard/proxy"
)

// ClientVersion is the version of the official plugin whose protocol we speak.
// Agents choose by it: from 1.1.70 they multiplex ports, above 1.2.331.0 they
// leave the multiplexer's keepalive off.
const ClientVersion = "1.3.0.0"

// OpenRequest is the first message on a new connection, as text. A client sends
// ClientID and ClientVersion, an agent ClientInstanceID.
type OpenRequest struct {
	RequestID        string
	Token            proxy.Secret
	ClientID         string
	ClientVersion    string
	ClientInstanceID string
}

// openWire is OpenRequest as it travels; only its two methods see the bare token.
type openWire struct {
	MessageSchemaVersion string
	RequestID            string `json:"RequestId"`
	TokenValue           string
	ClientID             string `json:"ClientId,omitempty"`
	ClientVersion        string `json:",omitempty"`
	ClientInstanceID     string `json:"ClientInstanceId,omitempty"`
}

// MarshalJSON writes the message with its token in clear: it is for the wire, not for logs.
func (o OpenRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(openWire{"1.0", o.RequestID, o.Token.Reveal(), o.ClientID, o.ClientVersion, o.ClientInstanceID})
}

// UnmarshalJSON reads the message and takes its token as a Secret.
func (o *OpenRequest) UnmarshalJSON(b []byte) error {
	var w openWire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*o = OpenRequest{w.RequestID, proxy.NewSecret(w.TokenValue), w.ClientID, w.ClientVersion, w.ClientInstanceID}
	return nil
}

// Ack is the payload of an Acknowledge message. Each acknowledges one message,
// whatever came before it.
type Ack struct {
	MessageType  MessageType `json:"AcknowledgedMessageType"`
	MessageID    string      `json:"AcknowledgedMessageId"`
	Seq          int64       `json:"AcknowledgedMessageSequenceNumber"`
	IsSequential bool        `json:"IsSequentialMessage"`
}

// The literal parts of an Ack as every known sender writes it.
const (
	ackType = `{"AcknowledgedMessageType":"`
	ackID   = `","AcknowledgedMessageId":"`
	ackSeq  = `","AcknowledgedMessageSequenceNumber":`
	ackEnd  = `,"IsSequentialMessage":true}`
)

// AppendAck encodes the acknowledgement of a stream message, without the detour of encoding/json.
func AppendAck(dst []byte, t MessageType, id UUID, seq int64) []byte {
	dst = append(append(dst, ackType...), t...)
	dst = id.append(append(dst, ackID...))
	dst = strconv.AppendInt(append(dst, ackSeq...), seq, 10)
	return append(dst, ackEnd...)
}

// ParseAck decodes the payload of an Acknowledge message.
func ParseAck(payload []byte) (Ack, error) {
	if a, ok := parsePlainAck(payload); ok {
		return a, nil
	}
	var a Ack
	if err := json.Unmarshal(payload, &a); err != nil {
		return Ack{}, fmt.Errorf("malformed acknowledgement: %w", err)
	}
	return a, nil
}

// parsePlainAck reads exactly what AppendAck writes: there is one per message,
// and encoding/json would take more time than the rest of its handling.
func parsePlainAck(b []byte) (a Ack, ok bool) {
	b, ok = bytes.CutPrefix(b, []byte(ackType))
	if !ok {
		return a, false
	}
	t, b, ok := bytes.Cut(b, []byte(ackID))
	if !ok {
		return a, false
	}
	id, b, ok := bytes.Cut(b, []byte(ackSeq))
	if !ok || string(t) != string(InputStreamData) && string(t) != string(OutputStreamData) || !plain(id) {
		return a, false
	}
	digits, ok := bytes.CutSuffix(b, []byte(ackEnd))
	if !ok || len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' {
		return a, false
	}
	seq, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return a, false
	}
	return Ack{decodeType(t), string(id), seq, true}, true
}

// plain reports whether s stands for itself inside a JSON string.
func plain(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// Closed is the payload of a ChannelClosed message. Output is a sentence for
// the user, often empty.
type Closed struct {
	MessageID     string `json:"MessageId"`
	CreatedDate   string
	DestinationID string `json:"DestinationId"`
	SessionID     string `json:"SessionId"`
	MessageType   string
	SchemaVersion int
	Output        string
}

// Size is the payload of a PayloadSize message: the size of a terminal in cells.
type Size struct {
	Cols uint32 `json:"cols"`
	Rows uint32 `json:"rows"`
}

// ActionType names what an agent asks of a client in the handshake.
type ActionType string

// The actions known to date.
const (
	ActionSessionType   ActionType = "SessionType"
	ActionKMSEncryption ActionType = "KMSEncryption"
)

// ActionStatus is a client's answer to one action.
type ActionStatus int

// The answers.
const (
	ActionSuccess     ActionStatus = 1
	ActionFailed      ActionStatus = 2
	ActionUnsupported ActionStatus = 3
)

// HandshakeRequest is an agent's first message in sessions that have a handshake.
type HandshakeRequest struct {
	AgentVersion           string
	RequestedClientActions []RequestedAction
}

// RequestedAction is one demand of a HandshakeRequest; its parameters are a
// SessionTypeRequest or a KMSEncryptionRequest.
type RequestedAction struct {
	ActionType       ActionType
	ActionParameters json.RawMessage
}

// SessionTypeRequest says what the session is, with the properties of its document.
type SessionTypeRequest struct {
	SessionType string
	Properties  json.RawMessage `json:",omitempty"`
}

// KMSEncryptionRequest names the key to encrypt the session with.
type KMSEncryptionRequest struct {
	KMSKeyID string `json:"KMSKeyId"`
}

// KMSEncryptionResult is the ActionResult of a KMSEncryption action: the data
// key, encrypted by KMS.
type KMSEncryptionResult struct {
	KMSCipherTextKey  []byte
	KMSCipherTextHash []byte
}

// HandshakeResponse is the client's answer.
type HandshakeResponse struct {
	ClientVersion          string
	ProcessedClientActions []ProcessedAction
	Errors                 []string
}

// ProcessedAction is the answer to one action.
type ProcessedAction struct {
	ActionType   ActionType
	ActionStatus ActionStatus
	ActionResult any
	Error        string
}

// HandshakeComplete ends the handshake. CustomerMessage is meant for the user.
type HandshakeComplete struct {
	HandshakeTimeToComplete time.Duration
	CustomerMessage         string
}

// EncChallenge is the payload of both challenge messages: the client decrypts
// the agent's and sends it back encrypted with its own key.
type EncChallenge struct {
	Challenge []byte
}
