package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"regexp"
	"syscall"
)

// session is one client at the origin: its head until that is whole, then its frames.
type session struct {
	open bool
	have int
	data [4096]byte
}

var keyLine = regexp.MustCompile(`(?i)\r\nsec-websocket-key: *([^\r\n]+)\r\n`)

func runOrigin() {
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	check(err)
	check(syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	check(syscall.Listen(listener, 4096))
	address, err := syscall.Getsockname(listener)
	check(err)
	epoll, err := syscall.EpollCreate1(0)
	check(err)
	check(watch(epoll, listener))
	fmt.Printf("port %d\n", address.(*syscall.SockaddrInet4).Port)
	sessions := map[int]*session{}
	events := make([]syscall.EpollEvent, maxEvents)
	for {
		for _, event := range events[:poll(epoll, events, -1)] {
			descriptor := int(event.Fd)
			if descriptor == listener {
				accept(listener, epoll, sessions)
			} else if !serve(descriptor, sessions[descriptor]) {
				delete(sessions, descriptor)
				_ = syscall.Close(descriptor)
			}
		}
	}
}

func accept(listener int, epoll int, sessions map[int]*session) {
	for {
		descriptor, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK)
		if err != nil {
			return
		}
		_ = syscall.SetsockoptInt(descriptor, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		sessions[descriptor] = &session{}
		check(watch(epoll, descriptor))
	}
}

// serve reads once; false when the connection is over.
func serve(descriptor int, one *session) bool {
	n, err := syscall.Read(descriptor, one.data[one.have:])
	if n <= 0 {
		return err == syscall.EAGAIN || err == syscall.EINTR
	}
	one.have += n
	if !one.open {
		return shake(descriptor, one)
	}
	for {
		total, head := frameLength(one.data[:one.have])
		if total > len(one.data) {
			return false
		}
		if total == 0 || one.have < total {
			return true
		}
		if one.data[0]&0x0f == 8 || writeAll(descriptor, answer(one.data[:total], head)) != nil {
			return false
		}
		copy(one.data[:], one.data[total:one.have])
		one.have -= total
	}
}

func shake(descriptor int, one *session) bool {
	end := bytes.Index(one.data[:one.have], []byte("\r\n\r\n"))
	if end < 0 {
		return one.have < len(one.data)
	}
	key := keyLine.FindSubmatch(one.data[:end+2])
	if key == nil {
		// Whoever asks whether the origin is there.
		_ = writeAll(descriptor, []byte("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"))
		return false
	}
	sum := sha1.Sum(append(key[1], "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	one.open = true
	one.have = copy(one.data[:], one.data[end+4:one.have])
	return writeAll(descriptor, fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))) == nil
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}
