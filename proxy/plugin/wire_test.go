package plugin_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/google/go-cmp/cmp"
	"github.com/twinj/uuid"

	"ssmguard/proxy/channel/wire"
)

// TestWireAgreesWithPlugin holds our codec to the official one, both ways: the
// same message gives the same bytes, and each reads what the other wrote. (The
// official one cannot write an empty payload.)
func TestWireAgreesWithPlugin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	quiet := log.NewMockLog()
	for _, typ := range []wire.MessageType{wire.InputStreamData, wire.OutputStreamData, wire.Acknowledge, wire.ChannelClosed} {
		for _, n := range []int{1, 2, 1024, 1536, 16 << 10} {
			ours := wire.Frame{
				Type: typ, Created: 1 + r.Uint64()>>1, Seq: r.Int64(), Flags: uint64(r.IntN(4)),
				ID: wire.NewUUID(), PayloadType: wire.PayloadType(r.IntN(13)), Payload: make([]byte, n),
			}
			for i := range ours.Payload {
				ours.Payload[i] = byte(r.Uint32())
			}
			theirs := message.ClientMessage{
				MessageType: string(typ), SchemaVersion: 1, CreatedDate: ours.Created, SequenceNumber: ours.Seq, Flags: ours.Flags,
				MessageId: uuid.New(bytes.Clone(ours.ID[:])), PayloadType: uint32(ours.PayloadType), Payload: ours.Payload,
			}
			want, err := theirs.SerializeClientMessage(quiet)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, ours.Append(nil)); diff != "" {
				t.Fatalf("%s, %d bytes (-plugin +ours):\n%s", typ, n, diff)
			}
			var ourRead wire.Frame
			if err := ourRead.Decode(want); err != nil {
				t.Fatal(err)
			}
			if err := ourRead.Verify(); err != nil {
				t.Fatal(err)
			}
			var theirRead message.ClientMessage
			if err := theirRead.DeserializeClientMessage(quiet, ours.Append(nil)); err != nil {
				t.Fatal(err)
			}
			if err := theirRead.Validate(); err != nil {
				t.Fatal(err)
			}
			if theirRead.SequenceNumber != ourRead.Seq || theirRead.MessageId.String() != ourRead.ID.String() ||
				!bytes.Equal(theirRead.Payload, ourRead.Payload) || theirRead.MessageType != string(ourRead.Type) {
				t.Fatalf("%s, %d bytes: plugin read %+v, we %+v", typ, n, theirRead, ourRead)
			}
		}
	}
}

// TestContentAgreesWithPlugin does the same for the JSON payloads.
func TestContentAgreesWithPlugin(t *testing.T) {
	id := wire.NewUUID()
	for _, c := range []struct{ ours, theirs any }{
		{wire.Ack{MessageType: wire.OutputStreamData, MessageID: id.String(), Seq: 5, IsSequential: true},
			message.AcknowledgeContent{MessageType: message.OutputStreamMessage, MessageId: id.String(), SequenceNumber: 5, IsSequentialMessage: true}},
		{wire.Closed{MessageID: "m", CreatedDate: "d", DestinationID: "i", SessionID: "s", MessageType: "t", SchemaVersion: 1, Output: "o"},
			message.ChannelClosed{MessageId: "m", CreatedDate: "d", DestinationId: "i", SessionId: "s", MessageType: "t", SchemaVersion: 1, Output: "o"}},
		{wire.Size{Cols: 80, Rows: 24}, message.SizeData{Cols: 80, Rows: 24}},
		{wire.HandshakeRequest{AgentVersion: "3.3.0.0", RequestedClientActions: []wire.RequestedAction{{ActionType: wire.ActionSessionType, ActionParameters: json.RawMessage(`{"SessionType":"Port"}`)}}},
			message.HandshakeRequestPayload{AgentVersion: "3.3.0.0", RequestedClientActions: []message.RequestedClientAction{{ActionType: message.SessionType, ActionParameters: json.RawMessage(`{"SessionType":"Port"}`)}}}},
		{wire.HandshakeResponse{ClientVersion: "1", ProcessedClientActions: []wire.ProcessedAction{{ActionType: wire.ActionKMSEncryption, ActionStatus: wire.ActionSuccess, ActionResult: wire.KMSEncryptionResult{KMSCipherTextKey: []byte("k")}}}},
			message.HandshakeResponsePayload{ClientVersion: "1", ProcessedClientActions: []message.ProcessedClientAction{{ActionType: message.KMSEncryption, ActionStatus: message.Success, ActionResult: message.KMSEncryptionResponse{KMSCipherTextKey: []byte("k")}}}}},
		{wire.HandshakeComplete{HandshakeTimeToComplete: 5, CustomerMessage: "hi"}, message.HandshakeCompletePayload{HandshakeTimeToComplete: 5, CustomerMessage: "hi"}},
		{wire.EncChallenge{Challenge: []byte("x")}, message.EncryptionChallengeRequest{Challenge: []byte("x")}},
	} {
		want, err := json.Marshal(c.theirs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(c.ours)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%T (-plugin +ours):\n%s", c.ours, diff)
		}
	}
}
