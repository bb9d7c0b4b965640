package main

import (
	"encoding/binary"
	"net"
	"time"
)

// What a client sends on its streams.
const (
	modeUnary = iota // a call after the other on each of the streams
	modeBidi         // a message after the other on each of the streams
	modeIdle         // nothing more
)

// client is the load of one connection.
type client struct {
	mode    int
	streams int
	message []byte
	block   [2][]byte
	nextID  uint32
	started bool

	calls, errors uint64
	opened        int
	onOpened      func()
	latencies     *histogram
	clock         time.Time
}

func newClient(mode, streams, size int, path string) *client {
	message := make([]byte, 5+size)
	binary.BigEndian.PutUint32(message[1:], uint32(size))
	for index := 5; index < len(message); index++ {
		message[index] = 'x'
	}
	return &client{mode: mode, streams: streams, message: message, block: requestBlocks(path), nextID: 1, latencies: &histogram{}, clock: time.Now()}
}

// requestBlocks are the first request's header block and that of all others: the dynamic table then holds its fields.
func requestBlocks(path string) [2][]byte {
	first := []byte{0x83, 0x86}
	first = append(append(first, 0x44, byte(len(path))), path...)
	first = append(append(first, 0x41, 11), "example.com"...)
	first = append(append(first, 0x5f, 16), "application/grpc"...)
	first = append(append(append(first, 0x40, 2), "te"...), append([]byte{8}, "trailers"...)...)
	// Newest first: te 62, content-type 63, :authority 64, :path 65.
	return [2][]byte{first, {0x83, 0x86, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62}}
}

func (l *client) open(c *conn) {
	block := l.block[1]
	if l.nextID == 1 {
		block = l.block[0]
	}
	s := c.stream(l.nextID)
	l.nextID += 2
	c.frame(frameHeaders, flagEndHeaders, s.id, block)
	if l.mode != modeIdle {
		l.send(c, s)
	}
}

func (l *client) send(c *conn, s *stream) {
	s.got = 0
	s.sentAt = int64(time.Since(l.clock))
	c.data(s, l.message, l.mode == modeUnary)
}

func (l *client) onHeaders(c *conn, s *stream, end bool) {
	if l.mode == modeIdle && !end {
		l.opened++
		if l.opened == l.streams {
			l.onOpened()
		}
		return
	}
	if !end {
		return
	}
	delete(c.streams, s.id)
	if l.mode == modeUnary && s.got == len(l.message) {
		l.done(s)
	} else {
		l.errors++
	}
	l.open(c)
}

func (l *client) onData(c *conn, s *stream, data []byte, end bool) {
	s.got += len(data)
	if end {
		// A gRPC call ends with trailers.
		l.errors++
		delete(c.streams, s.id)
		l.open(c)
	} else if l.mode == modeBidi && s.got >= len(l.message) {
		l.done(s)
		l.send(c, s)
	}
}

func (l *client) done(s *stream) {
	l.calls++
	l.latencies.add(int64(time.Since(l.clock)) - s.sentAt)
}

func (l *client) onReset(c *conn, _ *stream) {
	l.errors++
	if l.mode != modeIdle {
		l.open(c)
	}
}

func (l *client) onGoAway(*conn) { l.errors++ }

// run plays until the deadline (zero: until the connection ends).
func (l *client) run(address string, deadline time.Time) error {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		l.errors++
		return err
	}
	defer socket.Close()
	socket.SetDeadline(deadline)
	c := newConn(socket, l)
	c.writer.WriteString(preface)
	c.begin(append(setting(2, 0), setting(settingInitialWindow, maxWindow)...))
	for range l.streams {
		l.open(c)
	}
	err = c.run()
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return nil
	}
	l.errors++
	return err
}
