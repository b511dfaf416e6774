package plugin

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/config"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/gorilla/websocket"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy/upgrade"
)

// webSocket is the official websocket, opened, read and written by us: the official one
// takes messages and headers of any size, and compression that it has not asked for.
type webSocket struct {
	*communicator.WebSocketChannel
	clock     *awsapi.Clock // by which the request that opens it is signed
	writing   sync.Mutex
	answers   bool  // the gateway answers pings: the reader's
	untrusted error // the last attempt to connect met a certificate that is not trusted
}

const (
	pingEvery = 3 * time.Second
	// silence is how long a connection may stay without a byte before it counts as lost,
	// where the gateway has answered pings. The official channel waits for no answer: it
	// takes a connection for alive whose other end is gone.
	silence = 8 * time.Second
)

// Open connects, and reads until the connection fails.
func (w *webSocket) Open(log log.T) error {
	presigned, err := communicator.IsPresignedURL(w.Url)
	if err != nil {
		return err
	}
	var header http.Header
	if !presigned {
		if header, err = w.sign(); err != nil {
			log.Errorf("Failed to get the v4 signature, %v", err)
		}
	}
	dialer := *websocket.DefaultDialer
	dialer.NetDialContext = new(net.Dialer).DialContext
	dialer.EnableCompression = false
	conn, resp, err := upgrade.Dial(context.Background(), dialer, w.Url, header)
	var untrusted *tls.CertificateVerificationError
	if w.untrusted = nil; errors.As(err, &untrusted) {
		w.untrusted = untrusted
	}
	if err != nil {
		if resp != nil {
			log.Errorf("Failed to dial websocket, status: %s", resp.Status)
		}
		return err
	}
	w.Connection, w.IsOpen = conn, true
	conn.SetPongHandler(func(string) error {
		w.answers = true
		return conn.SetReadDeadline(time.Now().Add(silence))
	})
	w.ping(log, conn)
	go w.keepAlive(log, conn)
	go w.read(log, conn)
	return nil
}

// sign returns the headers of a signed upgrade request, if there are credentials.
func (w *webSocket) sign() (http.Header, error) {
	r, err := http.NewRequest(http.MethodGet, w.Url, nil)
	if err != nil || w.Signer == nil {
		return http.Header{}, err
	}
	empty := sha256.Sum256(nil)
	err = w.Signer.SignHTTP(context.Background(), w.Credentials, r, hex.EncodeToString(empty[:]), config.ServiceName, w.Region, w.clock.Now())
	return r.Header, err
}

// ping asks whether the gateway is there; the official channel does so each 5 minutes.
func (w *webSocket) ping(log log.T, conn *websocket.Conn) (sent bool) {
	w.writing.Lock()
	defer w.writing.Unlock()
	err := conn.WriteMessage(websocket.PingMessage, []byte("keepalive"))
	if err != nil {
		log.Errorf("Error while sending websocket ping: %v", err)
	}
	return err == nil
}

func (w *webSocket) keepAlive(log log.T, conn *websocket.Conn) {
	for sent := true; sent && w.IsOpen && w.Connection == conn; sent = w.ping(log, conn) {
		time.Sleep(pingEvery)
	}
}

func (w *webSocket) read(log log.T, conn *websocket.Conn) {
	for w.IsOpen && w.Connection == conn {
		if w.answers { // what came while the session type was busy is read first
			conn.SetReadDeadline(time.Now().Add(silence)) //nolint:errcheck // a closed connection says so when it is read
		}
		_, raw, err := conn.ReadMessage()
		switch {
		case err == nil:
			w.OnMessage(raw)
		case w.IsOpen && w.Connection == conn:
			log.Errorf("Cannot receive messages: %v", err)
			w.OnError(err)
			return
		}
	}
}

// SendMessage writes one message.
func (w *webSocket) SendMessage(_ log.T, input []byte, kind int) error {
	if !w.IsOpen {
		return errors.New("the connection is closed")
	}
	if len(input) == 0 {
		return errors.New("an empty message cannot be sent")
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.Connection.WriteMessage(kind, input)
}
