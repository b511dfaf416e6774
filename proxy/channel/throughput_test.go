package channel_test

import (
	"io"
	"net"
	"testing"
	"time"

	"ssmguard/proxy/channel"
)

// BenchmarkUpload and its kin run gateway, agent and channel in one process;
// .ci/bench-tunnel sets them apart and compares with the official plugin.
func BenchmarkUpload(b *testing.B) { benchUpload(b, 0) }

func BenchmarkUpload16KiB(b *testing.B) { benchUpload(b, 16<<10) }

func benchUpload(b *testing.B, messageSize int) {
	const size = 8 << 20
	taken := make(chan int64, 1)
	server := listen(b, func(c *net.TCPConn) {
		for {
			n, err := io.CopyN(io.Discard, c, size)
			if err != nil {
				return
			}
			taken <- n
		}
	})
	r := newRig(b, config(server), func(o *channel.Options) { o.MessageSize = messageSize })
	conn := r.connect()
	data := noise(1, size)
	b.SetBytes(size)
	for b.Loop() {
		if _, err := conn.Write(data); err != nil {
			b.Fatal(err)
		}
		<-taken
	}
	b.Logf("%+v", r.c.Stats())
}

func BenchmarkDownload(b *testing.B) {
	const size = 8 << 20
	data := noise(1, size)
	server := listen(b, func(c *net.TCPConn) {
		ask := make([]byte, 1)
		for {
			if _, err := io.ReadFull(c, ask); err != nil {
				return
			}
			if _, err := c.Write(data); err != nil {
				return
			}
		}
	})
	r := newRig(b, config(server), nil)
	conn := r.connect()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := conn.Write([]byte{1}); err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, conn, size); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%+v", r.c.Stats())
}

// BenchmarkQuery is the round trip of a small query.
func BenchmarkQuery(b *testing.B) {
	r := newRig(b, config(listen(b, echoes)), nil)
	conn := r.connect()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
	query := make([]byte, 100)
	for b.Loop() {
		if _, err := conn.Write(query); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, query); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConnect is a whole connection: open, five bytes each way, close.
func BenchmarkConnect(b *testing.B) {
	r := newRig(b, config(listen(b, echoes)), nil)
	word := []byte("hello")
	for b.Loop() {
		conn, err := net.Dial("tcp", r.in.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Write(word); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, word); err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}
