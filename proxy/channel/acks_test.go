package channel

import (
	"testing"
	"testing/synctest"

	"ssmguard/proxy/channel/wire"
)

// TestReaderWaitsForAcknowledgements: while the far side does not take them, no more of what
// has to be acknowledged is read.
func TestReaderWaitsForAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChannel(t.Context(), Options{})
		halt := make(chan struct{})
		message := (&wire.Frame{Type: wire.OutputStreamData, Seq: 0, PayloadType: wire.PayloadSize, Payload: []byte("{}")}).Append(nil)
		for i := range mostAcks {
			if c.out.acksWait.Load() {
				t.Fatalf("the reader waits after %d", i)
			}
			if err := c.in.handle(message); err != nil {
				t.Fatal(err)
			}
		}
		goes := make(chan struct{})
		go func() {
			defer close(goes)
			c.in.waitForRoom(halt)
		}()
		synctest.Wait()
		for taken := 0; taken < mostAcks/2; {
			select {
			case <-goes:
				t.Fatalf("the reader goes on after %d of %d", taken, mostAcks)
			default:
			}
			_, acks, _, err := c.out.collect(nil, nil)
			if err != nil || len(acks) == 0 || len(acks) > ackWrite {
				t.Fatalf("%d acknowledgements in one write, %v", len(acks), err)
			}
			taken += len(acks)
			synctest.Wait()
		}
		if _, acks, _, _ := c.out.collect(nil, nil); len(acks) == 0 {
			t.Error("nothing is left to write")
		}
		synctest.Wait()
		select {
		case <-goes:
		default:
			t.Error("the reader still waits")
			close(halt)
		}
	})
}
