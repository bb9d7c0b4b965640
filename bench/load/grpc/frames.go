package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// Frame types, flags and settings of RFC 9113 that are needed here.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindow       = 8
	frameContinuation = 9

	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
	flagPadded     = 8

	settingTableSize     = 1
	settingMaxStreams    = 3
	settingInitialWindow = 4

	preface   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	maxWindow = 1<<31 - 1
	// Given back to the peer in pieces of this size.
	windowPiece = 1 << 20
)

// stream is what both ends know of a stream.
type stream struct {
	id      uint32
	window  int64
	pending []byte
	// END_STREAM goes with the last pending byte.
	endPending bool
	unread     int
	got        int
	sentAt     int64
}

// events are what an end does when something comes.
type events interface {
	onHeaders(c *conn, s *stream, end bool)
	onData(c *conn, s *stream, data []byte, end bool)
	onReset(c *conn, s *stream)
	onGoAway(c *conn)
}

// conn is one end of a connection. It never decodes header blocks: whoever uses it knows what they say.
type conn struct {
	net     net.Conn
	reader  *bufio.Reader
	writer  *bufio.Writer
	events  events
	streams map[uint32]*stream
	// What we may send.
	window        int64
	initialWindow int64
	unread        int
	blocked       []*stream
	// False when the peer wants no dynamic table.
	mayIndex    bool
	endAfter    bool
	maxStreams  uint32
	gotSettings bool
	scratch     [9]byte
}

func newConn(socket net.Conn, handler events) *conn {
	return &conn{net: socket, reader: bufio.NewReaderSize(socket, 1<<17), writer: bufio.NewWriterSize(socket, 1<<17), events: handler, streams: map[uint32]*stream{}, window: 65_535, initialWindow: 65_535, mayIndex: true, maxStreams: 1 << 30}
}

func (c *conn) frame(kind, flags byte, id uint32, payload []byte) {
	binary.BigEndian.PutUint32(c.scratch[0:], uint32(len(payload))<<8|uint32(kind))
	c.scratch[4] = flags
	binary.BigEndian.PutUint32(c.scratch[5:], id)
	c.writer.Write(c.scratch[:])
	c.writer.Write(payload)
}

func (c *conn) begin(settings []byte) {
	c.frame(frameSettings, 0, 0, settings)
	c.giveBack(0, maxWindow-65_535)
}

func (c *conn) giveBack(id uint32, bytes int) {
	var payload [4]byte
	binary.BigEndian.PutUint32(payload[:], uint32(bytes))
	c.frame(frameWindow, 0, id, payload[:])
}

func setting(id uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(nil, id), value)
}

func (c *conn) stream(id uint32) *stream {
	known := c.streams[id]
	if known == nil {
		known = &stream{id: id, window: c.initialWindow}
		c.streams[id] = known
	}
	return known
}

// data sends bytes as the windows allow, and the rest later.
func (c *conn) data(s *stream, bytes []byte, end bool) {
	if len(s.pending) > 0 || int64(len(bytes)) > s.window || int64(len(bytes)) > c.window {
		if len(s.pending) == 0 {
			c.blocked = append(c.blocked, s)
		}
		s.pending = append(s.pending, bytes...)
		s.endPending = s.endPending || end
		return
	}
	flags := byte(0)
	if end {
		flags = flagEndStream
	}
	s.window -= int64(len(bytes))
	c.window -= int64(len(bytes))
	c.frame(frameData, flags, s.id, bytes)
}

// unblock sends what the windows held back.
func (c *conn) unblock() {
	waiting := c.blocked
	c.blocked = nil
	for _, s := range waiting {
		bytes, end := s.pending, s.endPending
		s.pending, s.endPending = nil, false
		if c.streams[s.id] == s {
			c.data(s, bytes, end)
		}
	}
}

// run reads until the connection ends. Everything that is written while input is at hand leaves in one write.
func (c *conn) run() error {
	payload := make([]byte, 1<<16)
	for {
		if c.reader.Buffered() < 9 {
			if err := c.writer.Flush(); err != nil {
				return err
			}
		}
		var head [9]byte
		if _, err := io.ReadFull(c.reader, head[:]); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(head[:4]) >> 8)
		if length > len(payload) {
			return errors.New("a frame is too large")
		}
		if c.reader.Buffered() < length {
			if err := c.writer.Flush(); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(c.reader, payload[:length]); err != nil {
			return err
		}
		c.take(head[3], head[4], binary.BigEndian.Uint32(head[5:])&maxWindow, payload[:length])
	}
}

func (c *conn) take(kind, flags byte, id uint32, payload []byte) {
	switch kind {
	case frameData:
		c.takeData(flags, id, payload)
	case frameHeaders:
		c.endAfter = flags&flagEndStream != 0
		if flags&flagEndHeaders != 0 {
			c.events.onHeaders(c, c.stream(id), c.endAfter)
		}
	case frameContinuation:
		if flags&flagEndHeaders != 0 {
			c.events.onHeaders(c, c.stream(id), c.endAfter)
		}
	case frameReset:
		if s := c.streams[id]; s != nil {
			delete(c.streams, id)
			c.events.onReset(c, s)
		}
	case frameSettings:
		if flags&flagAck == 0 {
			c.takeSettings(payload)
		}
	case framePing:
		if flags&flagAck == 0 {
			c.frame(framePing, flagAck, 0, payload)
		}
	case frameGoAway:
		c.events.onGoAway(c)
	case frameWindow:
		c.takeWindow(id, int64(binary.BigEndian.Uint32(payload)&maxWindow))
	}
}

func (c *conn) takeData(flags byte, id uint32, payload []byte) {
	data := payload
	if flags&flagPadded != 0 && len(payload) > 0 {
		data = payload[1 : len(payload)-int(payload[0])]
	}
	c.unread += len(payload)
	if c.unread >= windowPiece {
		c.giveBack(0, c.unread)
		c.unread = 0
	}
	s := c.streams[id]
	if s == nil {
		return
	}
	s.unread += len(payload)
	if s.unread >= windowPiece && flags&flagEndStream == 0 {
		c.giveBack(id, s.unread)
		s.unread = 0
	}
	c.events.onData(c, s, data, flags&flagEndStream != 0)
}

func (c *conn) takeSettings(payload []byte) {
	for ; len(payload) >= 6; payload = payload[6:] {
		value := binary.BigEndian.Uint32(payload[2:])
		switch binary.BigEndian.Uint16(payload) {
		case settingTableSize:
			c.mayIndex = value >= 4_096
		case settingMaxStreams:
			c.maxStreams = value
		case settingInitialWindow:
			for _, s := range c.streams {
				s.window += int64(value) - c.initialWindow
			}
			c.initialWindow = int64(value)
		}
	}
	c.gotSettings = true
	c.frame(frameSettings, flagAck, 0, nil)
	c.unblock()
}

func (c *conn) takeWindow(id uint32, bytes int64) {
	if id == 0 {
		c.window += bytes
	} else if s := c.streams[id]; s != nil {
		s.window += bytes
	}
	if len(c.blocked) > 0 {
		c.unblock()
	}
}
