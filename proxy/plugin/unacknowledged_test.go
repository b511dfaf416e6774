package plugin

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/config"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/gorilla/websocket"
	"github.com/twinj/uuid"
)

// quietLog drops what is logged, without the goroutines of the official logger.
type quietLog struct{ log.T }

func (quietLog) Tracef(string, ...any)       {}
func (quietLog) Debugf(string, ...any)       {}
func (quietLog) Infof(string, ...any)        {}
func (quietLog) Errorf(string, ...any) error { return nil }

// sentNumbers has what a data channel sends put into a list of numbers.
func sentNumbers(t *testing.T, sent func(number int64)) {
	official := datachannel.SendMessageCall
	t.Cleanup(func() { datachannel.SendMessageCall = official })
	datachannel.SendMessageCall = func(l log.T, _ *datachannel.DataChannel, input []byte, _ int) error {
		var m message.ClientMessage
		if err := m.DeserializeClientMessage(l, input); err != nil {
			return err
		}
		sent(m.SequenceNumber)
		return nil
	}
}

// acknowledges is the agent's acknowledgement of a message.
func acknowledges(t *testing.T, number int64) []byte {
	t.Helper()
	raw, err := message.SerializeClientMessageWithAcknowledgeContent(quietLog{}, message.AcknowledgeContent{
		MessageType: message.InputStreamMessage, MessageId: uuid.NewV4().String(), SequenceNumber: number, IsSequentialMessage: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// overNothing is a data channel whose connection is nil.
func overNothing(quiet log.T) (*dataChannel, *communicator.WebSocketChannel) {
	d := &dataChannel{DataChannel: &datachannel.DataChannel{}, child: &child{log: quiet}, resumed: make(chan struct{}, 1), acknowledged: make(chan struct{}, 1)}
	d.Initialize(quiet, "client", "session", "i-1", false)
	ws := &communicator.WebSocketChannel{}
	d.DataChannel.SetWsChannel(ws)
	return d, ws
}

// A sender waits before the official channel would drop what is not acknowledged.
func TestNothingUnacknowledgedIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := quietLog{}
		d, _ := overNothing(quiet)
		sent := 0
		sentNumbers(t, func(int64) { sent++ })
		done := make(chan struct{})
		const all = config.OutgoingMessageBufferCapacity + 5
		go func() {
			defer close(done)
			for range all {
				if err := d.SendInputDataMessage(quiet, message.Output, []byte("x")); err != nil {
					t.Error(err)
				}
			}
		}()
		for n := range int64(all) {
			synctest.Wait()
			if _, kept := d.oldest(); kept > mostUnacknowledged || sent != min(int(n)+mostUnacknowledged, all) {
				t.Fatalf("%d of %d messages are kept after %d acknowledgements, want %d sent", kept, sent, n, min(int(n)+mostUnacknowledged, all))
			}
			if first, _ := d.oldest(); first != n {
				t.Fatalf("the oldest that is kept is %d, want %d", first, n)
			}
			if err := d.OutputMessageHandler(quiet, nil, "session", acknowledges(t, n)); err != nil {
				t.Fatal(err)
			}
		}
		<-done
	})
}

// Over a connection that was resumed everything that was lost is sent again, in its order, but
// for what has been acknowledged meanwhile; and nothing once that connection is lost, too.
func TestWhatWasLostIsSentAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		on   func(t *testing.T, d *dataChannel, ws *communicator.WebSocketChannel, number int64) // when that one comes again
		want []int64
	}{
		{"all", func(*testing.T, *dataChannel, *communicator.WebSocketChannel, int64) {}, []int64{0, 1, 2, 3, 4, 5}},
		{"acknowledged meanwhile", func(t *testing.T, d *dataChannel, _ *communicator.WebSocketChannel, number int64) {
			for n := range int64(4) {
				if err := d.OutputMessageHandler(d.child.log, nil, "session", acknowledges(t, n)); number == 1 && err != nil {
					t.Error(err)
				}
			}
		}, []int64{0, 4, 5}},
		{"lost once more", func(_ *testing.T, _ *dataChannel, ws *communicator.WebSocketChannel, number int64) {
			if number == 2 {
				ws.Connection = &websocket.Conn{}
			}
		}, []int64{0, 1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				quiet := quietLog{}
				d, ws := overNothing(quiet)
				var sent []int64
				again := false
				sentNumbers(t, func(number int64) {
					if again {
						sent = append(sent, number)
						c.on(t, d, ws, number)
					}
				})
				for range 6 {
					if err := d.SendInputDataMessage(quiet, message.Output, []byte("x")); err != nil {
						t.Fatal(err)
					}
				}
				again = true
				d.resend(quiet, d.socket())
				if !slices.Equal(sent, c.want) {
					t.Errorf("%v came again, want %v", sent, c.want)
				}
			})
		})
	}
	d := &dataChannel{DataChannel: &datachannel.DataChannel{}}
	d.resend(quietLog{}, nil) // a channel that never came to be has nothing to send
}

// A message that many later ones have overtaken is sent again at once, one time.
func TestOvertakenIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := quietLog{}
		d, _ := overNothing(quiet)
		times := map[int64]int{}
		sentNumbers(t, func(number int64) { times[number]++ })
		const all = 3 * overtaken
		for range all {
			if err := d.SendInputDataMessage(quiet, message.Output, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		lost := map[int64]bool{0: true, 7: true, 8: true, all - 10: true}
		for n := range int64(all) {
			if lost[n] {
				continue
			}
			if err := d.OutputMessageHandler(quiet, nil, "session", acknowledges(t, n)); err != nil {
				t.Fatal(err)
			}
			for number, count := range times {
				want := 1
				if lost[number] && n-overtaken > number {
					want = 2
				}
				if count != want {
					t.Fatalf("after the acknowledgement of %d: %d was sent %d times, want %d", n, number, count, want)
				}
			}
		}
		if _, kept := d.oldest(); kept != len(lost) {
			t.Errorf("%d messages are kept, want %d", kept, len(lost))
		}
	})
}
