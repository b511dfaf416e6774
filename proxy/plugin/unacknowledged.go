package plugin

import (
	"math"
	"time"

	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/gorilla/websocket"
)

// mostUnacknowledged is how many messages of ours may be without an acknowledgement before a
// further one waits. The official channel keeps 10,000, and drops the oldest for the next one:
// the agent waits for it then as long as the session lives. What a connection that has become
// silent has swallowed is found out after seconds, and a message has 1 KiB.
const mostUnacknowledged = 2000

// resendPause is what the official session types leave between two messages.
const resendPause = time.Millisecond

// overtaken is how many later messages have to be acknowledged before one counts as lost:
// messages may arrive in another order.
const overtaken = 64

// unacknowledged returns the messages with a number below the given one that no acknowledgement
// has come for, in order.
func (d *dataChannel) unacknowledged(below int64) (all []datachannel.StreamingMessage) {
	kept := d.OutgoingMessageBuffer
	if kept.Messages == nil {
		return nil // before Initialize
	}
	kept.Mutex.Lock()
	defer kept.Mutex.Unlock()
	for e := kept.Messages.Front(); e != nil; e = e.Next() {
		m := e.Value.(datachannel.StreamingMessage)
		if m.SequenceNumber >= below {
			break
		}
		all = append(all, m)
	}
	return all
}

// oldest returns the number of the first message without acknowledgement, and how many there are.
func (d *dataChannel) oldest() (number int64, count int) {
	kept := d.OutgoingMessageBuffer
	if kept.Messages == nil {
		return 0, 0
	}
	kept.Mutex.Lock()
	defer kept.Mutex.Unlock()
	if e := kept.Messages.Front(); e != nil {
		number = e.Value.(datachannel.StreamingMessage).SequenceNumber
	}
	return number, kept.Messages.Len()
}

// awaitRoom waits until another message may be sent. The reader says when something has been
// acknowledged.
func (d *dataChannel) awaitRoom() {
	for {
		if _, count := d.oldest(); count < mostUnacknowledged || d.acknowledged == nil {
			return
		}
		<-d.acknowledged
	}
}

// resend sends again, over the connection that has been resumed, what was not acknowledged on
// the one before. The official channel sends its oldest message alone, ten times a second, so
// that each kilobyte that was lost takes a tenth of a second. What breaks the connection again
// is noticed by its reader.
func (d *dataChannel) resend(log log.T, on *websocket.Conn) {
	for _, m := range d.unacknowledged(math.MaxInt64) {
		if first, count := d.oldest(); count == 0 || m.SequenceNumber < first {
			continue // acknowledged meanwhile
		}
		if d.socket() != on || d.sendAgain(log, m) != nil {
			return
		}
		time.Sleep(resendPause)
	}
}

// repair sends again, once, what many later messages have overtaken.
func (d *dataChannel) repair(log log.T, raw []byte) {
	var m message.ClientMessage
	if m.DeserializeClientMessage(log, raw) != nil || m.MessageType != message.AcknowledgeMessage {
		return
	}
	acknowledged, err := m.DeserializeDataStreamAcknowledgeContent(log)
	if err != nil {
		return
	}
	for _, lost := range d.unacknowledged(acknowledged.SequenceNumber - overtaken) {
		if lost.SequenceNumber < d.repaired {
			continue
		}
		if d.sendAgain(log, lost) != nil {
			return // the loss of the connection is noticed by its reader
		}
		d.repaired = lost.SequenceNumber + 1
	}
}

func (d *dataChannel) sendAgain(log log.T, m datachannel.StreamingMessage) error {
	d.sending.Lock()
	defer d.sending.Unlock()
	return datachannel.SendMessageCall(log, d.DataChannel, m.Content, websocket.BinaryMessage)
}
