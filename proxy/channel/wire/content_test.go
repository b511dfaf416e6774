package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/memtest"
	"ssmguard/proxy"
)

func TestUUID(t *testing.T) {
	seen := map[UUID]bool{}
	for range 100 {
		u := NewUUID()
		if seen[u] || u[6]>>4 != 4 || u[8]>>6 != 2 {
			t.Fatalf("not a fresh version 4 UUID: %s", u)
		}
		seen[u] = true
	}
	u := UUID{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01}
	if got := u.String(); got != "11223344-5566-7788-99aa-bbccddeeff01" {
		t.Errorf("written as %s", got)
	}
}

// TestAck holds the hand-written JSON to what encoding/json makes of the same message.
func TestAck(t *testing.T) {
	for _, seq := range []int64{0, 1, 1 << 40, -1} {
		id := NewUUID()
		want := Ack{OutputStreamData, id.String(), seq, true}
		std, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		own := AppendAck(nil, OutputStreamData, id, seq)
		if diff := cmp.Diff(string(std), string(own)); diff != "" {
			t.Errorf("(-encoding/json +own):\n%s", diff)
		}
		got, err := ParseAck(own)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestParseAckOtherForms(t *testing.T) {
	want := Ack{InputStreamData, "x", 12, true}
	for _, s := range []string{
		`{"AcknowledgedMessageSequenceNumber":12,"AcknowledgedMessageId":"x","AcknowledgedMessageType":"input_stream_data","IsSequentialMessage":true}`,
		"{ \"AcknowledgedMessageType\": \"input_stream_data\", \"AcknowledgedMessageId\": \"x\",\n \"AcknowledgedMessageSequenceNumber\": 12, \"IsSequentialMessage\": true, \"New\": {} }",
		`{"AcknowledgedMessageType":"input\u005fstream_data","AcknowledgedMessageId":"x","AcknowledgedMessageSequenceNumber":12,"IsSequentialMessage":true}`,
	} {
		got, err := ParseAck([]byte(s))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", s, err, diff)
		}
	}
	for _, s := range []string{"", "{", `{"AcknowledgedMessageSequenceNumber":"12"}`, ackType + "a" + ackID + "b" + ackSeq + "99999999999999999999" + ackEnd, ackType + "a" + ackID + "b" + ackSeq + "01" + ackEnd} {
		if a, err := ParseAck([]byte(s)); err == nil {
			t.Errorf("%q parsed as %+v", s, a)
		}
	}
}

func FuzzParseAck(f *testing.F) {
	f.Add(AppendAck(nil, InputStreamData, UUID{}, 3))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		defer memtest.Bounded(t, len(b))()
		plain, ok := parsePlainAck(b)
		var std Ack
		if err := json.Unmarshal(b, &std); ok && (err != nil || plain != std) {
			t.Fatalf("short way %+v, encoding/json %+v, %v", plain, std, err)
		}
	})
}

func TestOpenRequest(t *testing.T) {
	o := OpenRequest{RequestID: "r", Token: proxy.NewSecret("hush"), ClientID: "c", ClientVersion: ClientVersion}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"hush","ClientId":"c","ClientVersion":"1.3.0.0"}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back OpenRequest
	if err := json.Unmarshal(b, &back); err != nil || back.Token.Reveal() != "hush" || back.RequestID != "r" || back.ClientID != "c" || back.ClientVersion != ClientVersion {
		t.Errorf("read back as %+v, %v", back, err)
	}
	if s := fmt.Sprintf("%v %+v %#v", o, o, o); strings.Contains(s, "hush") {
		t.Errorf("token printed: %s", s)
	}
}
