package main

import (
	"fmt"
	"io"
	"log"
	"net"
)

// origin answers every stream as a gRPC server that echoes: headers at once, every DATA back, and status 0 at the end.
type origin struct {
	headersKnown, trailersKnown bool
}

// Header blocks as an encoder with a dynamic table writes them: literals the first time, indexes from then on (RFC 7541).
var (
	statusOK        = []byte{0x88}
	contentType     = append([]byte{0x5f, 16}, "application/grpc"...)
	contentTypeOnce = append([]byte{0x0f, 0x10, 16}, "application/grpc"...)
	grpcStatus      = append(append([]byte{0x40, 11}, "grpc-status"...), 1, '0')
	grpcStatusOnce  = append(append([]byte{0x00, 11}, "grpc-status"...), 1, '0')
)

func (o *origin) headers(c *conn) []byte {
	if !c.mayIndex {
		return append(append([]byte{}, statusOK...), contentTypeOnce...)
	}
	if !o.headersKnown {
		o.headersKnown = true
		return append(append([]byte{}, statusOK...), contentType...)
	}
	if o.trailersKnown {
		return []byte{0x88, 0x80 | 63}
	}
	return []byte{0x88, 0x80 | 62}
}

func (o *origin) trailers(c *conn) []byte {
	if !c.mayIndex {
		return grpcStatusOnce
	}
	if !o.trailersKnown {
		o.trailersKnown = true
		return grpcStatus
	}
	return []byte{0x80 | 62}
}

func (o *origin) onHeaders(c *conn, s *stream, end bool) {
	if s.got == 0 {
		s.got = 1
		c.frame(frameHeaders, flagEndHeaders, s.id, o.headers(c))
	}
	if end {
		o.finish(c, s)
	}
}

func (o *origin) onData(c *conn, s *stream, data []byte, end bool) {
	if len(data) > 0 {
		c.data(s, data, false)
	}
	if end {
		o.finish(c, s)
	}
}

// finish sends the trailers; a stream that still waits for a window is reset, which no bench with open windows meets.
func (o *origin) finish(c *conn, s *stream) {
	delete(c.streams, s.id)
	if len(s.pending) > 0 {
		c.frame(frameReset, 0, s.id, []byte{0, 0, 0, 2})
		return
	}
	c.frame(frameHeaders, flagEndHeaders|flagEndStream, s.id, o.trailers(c))
}

func (o *origin) onReset(*conn, *stream) {}
func (o *origin) onGoAway(*conn)         {}

func serve(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		socket, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serveOne(socket)
	}
}

func serveOne(socket net.Conn) {
	defer socket.Close()
	c := newConn(socket, &origin{})
	begin := make([]byte, len(preface))
	if _, err := io.ReadFull(c.reader, begin); err != nil || string(begin) != preface {
		return
	}
	c.begin(append(setting(settingInitialWindow, maxWindow), setting(settingMaxStreams, 1<<20)...))
	_ = c.run()
}
