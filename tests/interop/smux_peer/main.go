// smux_peer talks the protocol of github.com/xtaci/smux on its standard input, which is a socket.
//
// The side that opens a stream writes a length (8 bytes, big-endian) and as many bytes; the other
// side sends these back as they come, then their SHA-256, and closes. Length 2^64-1 means: until
// the end of the stream, and only the SHA-256 comes back. As a client it opens the streams itself,
// checks what comes back and prints "ok STREAMS BYTES"; as a server it ends with the connection.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/xtaci/smux"
)

const untilEnd = ^uint64(0)

func main() {
	side := flag.String("side", "server", "client or server")
	version := flag.Int("version", 1, "1 or 2")
	streams := flag.Int("streams", 1, "as client: how many")
	size := flag.Int("size", 0, "as client: bytes of each stream")
	keepalive := flag.Duration("keepalive", 0, "interval; the timeout is three times that; 0 is off")
	flag.Parse()

	connection, err := net.FileConn(os.Stdin)
	check(err)
	config := smux.DefaultConfig()
	config.Version = *version
	config.KeepAliveDisabled = *keepalive == 0
	if *keepalive != 0 {
		config.KeepAliveInterval = *keepalive
		config.KeepAliveTimeout = 3 * *keepalive
	}
	if *side == "client" {
		session, err := smux.Client(connection, config)
		check(err)
		runClient(session, *streams, *size)
		return
	}
	session, err := smux.Server(connection, config)
	check(err)
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		go serve(stream)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "smux_peer:", err)
		os.Exit(1)
	}
}

func serve(stream *smux.Stream) {
	defer stream.Close()
	var length uint64
	if binary.Read(stream, binary.BigEndian, &length) != nil {
		return
	}
	hash := sha256.New()
	if length == untilEnd {
		io.Copy(hash, stream)
	} else if _, err := io.Copy(io.MultiWriter(stream, hash), io.LimitReader(stream, int64(length))); err != nil {
		return
	}
	stream.Write(hash.Sum(nil))
}

func runClient(session *smux.Session, streams, size int) {
	var wait sync.WaitGroup
	for i := 0; i < streams; i++ {
		stream, err := session.OpenStream()
		check(err)
		wait.Add(1)
		go func(number int) {
			defer wait.Done()
			exchange(stream, number, size)
		}(i)
	}
	wait.Wait()
	fmt.Printf("ok %d %d\n", streams, streams*size)
	// What is on the way, the last FIN included, still arrives: the other side closes.
	session.AcceptStream()
}

func exchange(stream *smux.Stream, number, size int) {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*131 + i>>8 + number)
	}
	go func() {
		check(binary.Write(stream, binary.BigEndian, uint64(size)))
		_, err := stream.Write(data)
		check(err)
	}()
	back, err := io.ReadAll(stream)
	check(err)
	digest := sha256.Sum256(data)
	if !bytes.Equal(back, append(append([]byte{}, data...), digest[:]...)) {
		check(fmt.Errorf("stream %d: expected %d bytes and their digest, seen %d bytes", number, size, len(back)))
	}
	stream.Close()
}
