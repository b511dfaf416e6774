package channel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// script is what one connection does.
type script struct {
	id       uint64
	up, down []byte
	how      manner
	pace     time.Duration // pauses of the reader of down
	first    bool          // the server speaks at once
	served   chan struct{} // closed when the server is done
}

type manner int

const (
	serverEnds  manner = iota // when both have said all
	halfCloses                // the client says that it has said all
	clientEnds                // when it has got all
	clientBails               // resets in the middle
	serverBails               // says all and ends without listening
	manners
)

// connect runs the connections and returns when they are over.
func (k *chaos) connect(c *Channel) {
	r := k.rnd
	k.mu.Lock()
	k.scripts = make(map[uint64]*script)
	k.mu.Unlock()
	var wg sync.WaitGroup
	for id := range uint64(1 + r.IntN(10)) {
		s := &script{
			id: id, how: manner(r.IntN(int(manners))), first: r.IntN(2) == 0,
			up: randomBytes(r.IntN(pick(r, 2, 2000, 60000))), down: randomBytes(r.IntN(pick(r, 2, 2000, 60000, 300000))),
			served: make(chan struct{}), pace: pick(r, 0, 0, time.Millisecond, 50*time.Millisecond),
		}
		k.mu.Lock()
		k.scripts[id] = s
		k.mu.Unlock()
		start := time.Duration(r.Int64N(int64(pick(r, time.Millisecond, 5*time.Second))))
		wg.Go(func() {
			time.Sleep(start)
			if err := k.use(s); err != nil {
				k.t.Errorf("connection %d, %d up, %d down, manner %d: %v; stats %+v", s.id, len(s.up), len(s.down), s.how, err, c.Stats())
			}
		})
	}
	wg.Wait()
}

// patience is in made-up time; nothing of what disturb does lasts as long.
const patience = time.Hour

// use is the local program.
func (k *chaos) use(s *script) error {
	nc, err := k.local.dial(k.t.Context(), "", "")
	if err != nil && k.ended() {
		return nil
	}
	if err != nil {
		return err
	}
	conn := nc.(*vconn)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // it never fails
	said := make(chan error, 1)
	up := append(binary.BigEndian.AppendUint64(nil, s.id), s.up...)
	if s.how == clientBails {
		conn.Write(up[:8+len(s.up)/2]) //nolint:errcheck // it may be over
		if s.first {
			io.CopyN(io.Discard, conn, int64(len(s.down)/2)) //nolint:errcheck // likewise
		}
		conn.SetLinger(0) //nolint:errcheck // it never fails
		return nil
	}
	go func() {
		_, err := conn.Write(up)
		if err == nil && s.how == halfCloses {
			conn.CloseWrite() //nolint:errcheck // it never fails
		}
		said <- err
	}()
	got, err := s.listen(conn)
	if !bytes.HasPrefix(s.down, got) {
		return fmt.Errorf("the answer is not what was said, from byte %d on", differ(s.down, got))
	}
	if len(got) == len(s.down) && s.how == clientEnds {
		err = <-said
		conn.CloseWrite() //nolint:errcheck // it never fails
		select {
		case <-s.served:
		case <-time.After(patience):
			err = errors.New("the server is not done")
		}
		if k.ended() {
			return nil
		}
		return err
	}
	conn.Close()
	<-said
	switch {
	case k.ended() && (err != nil || len(got) == len(s.down)):
		return nil
	case err != nil:
		return fmt.Errorf("after %d bytes: %w", len(got), err)
	case len(got) < len(s.down):
		return fmt.Errorf("a clean end after %d bytes", len(got))
	}
	return nil
}

// listen reads what the server says, to its end; clientEnds does not wait for that.
func (s *script) listen(conn io.Reader) (got []byte, err error) {
	b := make([]byte, 8<<10)
	for {
		if s.how == clientEnds && len(got) == len(s.down) {
			return got, nil
		}
		n, err := conn.Read(b)
		got = append(got, b[:n]...)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if s.pace > 0 {
			time.Sleep(s.pace)
		}
	}
}

func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// serve is the agent's side of the multiplexer and the server behind it.
func (k *chaos) serve(far *vmux) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		stream, err := far.AcceptStream()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer stream.Close()
			if err := k.answer(stream); err != nil && !k.ended() {
				k.t.Error(err)
			}
		})
	}
}

func (k *chaos) answer(stream *vstream) error {
	stream.SetDeadline(time.Now().Add(patience))
	var id [8]byte
	if _, err := io.ReadFull(stream, id[:]); err != nil {
		return nil // the session is over, or the client bailed out
	}
	k.mu.Lock()
	s := k.scripts[binary.BigEndian.Uint64(id[:])]
	k.mu.Unlock()
	if s == nil {
		return fmt.Errorf("a connection begins with %x", id)
	}
	defer close(s.served)
	said := make(chan error, 1)
	speak := func() {
		_, err := stream.Write(s.down)
		said <- err
	}
	if s.first || s.how == serverBails {
		go speak()
	}
	if s.how == serverBails {
		<-said
		return nil
	}
	got := make([]byte, len(s.up))
	n, err := io.ReadFull(stream, got)
	if !bytes.HasPrefix(s.up, got[:n]) {
		return fmt.Errorf("connection %d: the server got something else, from byte %d on", s.id, differ(s.up, got[:n]))
	}
	if err != nil && s.how != clientBails {
		return fmt.Errorf("connection %d, manner %d: the server got %d bytes of %d, then %w", s.id, s.how, n, len(s.up), err)
	}
	if !s.first {
		go speak()
	}
	<-said
	if s.how == clientEnds || s.how == clientBails {
		if n, err := io.Copy(io.Discard, stream); n > 0 || err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return fmt.Errorf("connection %d, manner %d, %d up, %d down: after its end came %d bytes, %v", s.id, s.how, len(s.up), len(s.down), n, err)
		}
	}
	return nil
}
