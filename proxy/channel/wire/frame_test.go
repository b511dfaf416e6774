package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/memtest"
)

func sampleFrame() Frame {
	return Frame{
		Type: InputStreamData, Created: 1700000000123, Seq: 7, ID: UUID{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01},
		PayloadType: PayloadOutput, Payload: []byte("\n"),
	}
}

// TestFrameLayout holds every field to its place, written down apart from the code.
func TestFrameLayout(t *testing.T) {
	f := sampleFrame()
	want := bytes.Join([][]byte{
		{0, 0, 0, 116},
		[]byte("input_stream_data               "),
		{0, 0, 0, 1},
		{0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b},
		{0, 0, 0, 0, 0, 0, 0, 7},
		{0, 0, 0, 0, 0, 0, 0, 0},
		{0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01},
		{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88},
		{0x01, 0xba, 0x47, 0x19, 0xc8, 0x0b, 0x6f, 0xe9, 0x11, 0xb0, 0x91, 0xa7, 0xc0, 0x51, 0x24, 0xb6,
			0x4e, 0xee, 0xce, 0x96, 0x4e, 0x09, 0xc0, 0x58, 0xef, 0x8f, 0x98, 0x05, 0xda, 0xca, 0x54, 0x6b}, // sha256 of one LF
		{0, 0, 0, 1},
		{0, 0, 0, 1},
		{'\n'},
	}, nil)
	if diff := cmp.Diff(want, f.Append(nil)); diff != "" {
		t.Errorf("wire (-want +got):\n%s", diff)
	}
}

func TestFrameRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := Frame{
			Type:    []MessageType{InputStreamData, OutputStreamData, Acknowledge, ChannelClosed, "agent_session_state"}[r.IntN(5)],
			Created: r.Uint64(), Seq: int64(r.Uint64()), Flags: r.Uint64(), ID: NewUUID(),
			PayloadType: PayloadType(r.Uint32()), Payload: make([]byte, r.IntN(3000)),
		}
		for i := range want.Payload {
			want.Payload[i] = byte(r.Uint32())
		}
		prefix := []byte("kept")
		wire := want.Append(prefix)
		if !bytes.HasPrefix(wire, prefix) {
			t.Fatal("Append changed what was there")
		}
		var got Frame
		if err := got.Decode(wire[len(prefix):]); err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(); err != nil {
			t.Fatal(err)
		}
		got.Digest = want.Digest
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestFrameDecodeRefuses(t *testing.T) {
	f := sampleFrame()
	good := f.Append(nil)
	edit := func(off int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[off:], v)
		return b
	}
	for name, b := range map[string][]byte{
		"empty":                      nil,
		"short header":               good[:HeaderSize-1],
		"payload cut off":            good[:HeaderSize],
		"bytes behind the payload":   append(bytes.Clone(good), 0),
		"header length 0":            edit(0, 0),
		"header length past the end": edit(0, 1<<31),
		"header length 2^32-1":       edit(0, 1<<32-1),
		"payload length 2^32-1":      edit(offPayLength, 1<<32-1),
	} {
		var got Frame
		if err := got.Decode(b); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: error %v, want ErrFrame", name, err)
		}
	}
}

func TestFrameTypePadding(t *testing.T) {
	for _, pad := range []string{" ", "\x00"} {
		f := sampleFrame()
		wire := f.Append(nil)
		copy(wire[offType:offSchema], bytes.Repeat([]byte(pad), typeSize))
		copy(wire[offType:], OutputStreamData)
		var got Frame
		if err := got.Decode(wire); err != nil || got.Type != OutputStreamData {
			t.Errorf("padding %q: type %q, error %v", pad, got.Type, err)
		}
	}
}

// The gateway sends publication messages with an empty header behind the type.
func TestFramePublication(t *testing.T) {
	wire := make([]byte, HeaderSize)
	copy(wire[offType:], PausePublication)
	var got Frame
	if err := got.Decode(wire); err != nil || got.Type != PausePublication {
		t.Errorf("type %q, error %v", got.Type, err)
	}
}

func TestFrameVerify(t *testing.T) {
	f := sampleFrame()
	wire := f.Append(nil)
	wire[HeaderSize] ^= 1
	var got Frame
	if err := got.Decode(wire); err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(); !errors.Is(err, ErrDigest) {
		t.Errorf("flipped bit: %v, want ErrDigest", err)
	}
	empty := Frame{Type: OutputStreamData}
	if err := empty.Verify(); err != nil {
		t.Errorf("empty payload without digest: %v", err)
	}
}

func TestFlag(t *testing.T) {
	for _, f := range []Flag{DisconnectToPort, TerminateSession, ConnectToPortError} {
		if got, ok := ParseFlag(AppendFlag(nil, f)); !ok || got != f {
			t.Errorf("flag %d: %d, %v", f, got, ok)
		}
	}
	if _, ok := ParseFlag([]byte{1, 2, 3}); ok {
		t.Error("three bytes taken for a flag")
	}
}

func TestFrameAllocations(t *testing.T) {
	f := sampleFrame()
	f.Payload = make([]byte, 1024)
	buf := f.Append(nil)
	var d Frame
	if n := testing.AllocsPerRun(100, func() {
		f.PutHeader(buf)
		if d.Decode(buf) != nil || d.Verify() != nil {
			t.Fatal("decode")
		}
	}); n != 0 {
		t.Errorf("%v allocations per message, want none", n)
	}
}

func FuzzFrameDecode(f *testing.F) {
	s := sampleFrame()
	f.Add(s.Append(nil))
	f.Add([]byte{})
	f.Add(make([]byte, HeaderSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		defer memtest.Bounded(t, len(b))()
		var d Frame
		if err := d.Decode(b); err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Fatalf("error without ErrFrame: %v", err)
			}
			return
		}
		if d.Type == StartPublication || d.Type == PausePublication {
			return
		}
		var again Frame
		if err := again.Decode(d.Append(nil)); err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		again.Digest = d.Digest
		if diff := cmp.Diff(d, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	f := sampleFrame()
	f.Payload = make([]byte, 1024)
	buf := f.Append(nil)
	b.SetBytes(int64(len(f.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		var d Frame
		f.PutHeader(buf)
		if d.Decode(buf) != nil || d.Verify() != nil {
			b.Fatal("decode")
		}
	}
}
