package main

import (
	"bytes"
	"fmt"
	"net"
	"sort"
	"strings"
	"syscall"
	"time"
)

// report is what a run gave; times in microseconds.
type report struct {
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Errors  int     `json:"errors"`
}

// conversation is one connection with one message under way.
type conversation struct {
	sent time.Time
	have int
}

func runClient(to string, connections int, size int, seconds float64) (report, error) {
	address, err := net.ResolveTCPAddr("tcp4", to)
	if err != nil {
		return report{}, err
	}
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return report{}, err
	}
	message, expected := clientFrame(size), len(head(size, false))+size
	all := make(map[int]*conversation, connections)
	for range connections {
		descriptor, err := openWebSocket(address)
		if err != nil {
			return report{}, err
		}
		all[descriptor] = &conversation{}
		check(watch(epoll, descriptor))
	}
	return converse(epoll, all, message, expected, seconds), nil
}

func converse(epoll int, all map[int]*conversation, message []byte, expected int, seconds float64) report {
	result, times := report{}, make([]int32, 0, 1<<20)
	begin := time.Now()
	for descriptor, one := range all {
		one.sent = begin
		if writeAll(descriptor, message) != nil {
			result.Errors++
		}
	}
	events, buffer := make([]syscall.EpollEvent, maxEvents), make([]byte, 65536)
	deadline := begin.Add(time.Duration(seconds * float64(time.Second)))
	for now := begin; now.Before(deadline) && len(all) > 0; {
		n := poll(epoll, events, 100)
		now = time.Now()
		for _, event := range events[:n] {
			descriptor := int(event.Fd)
			one := all[descriptor]
			got, err := syscall.Read(descriptor, buffer)
			if got <= 0 || err != nil || one.have+got > expected {
				result.Errors++
				delete(all, descriptor)
				_ = syscall.Close(descriptor)
				continue
			}
			if one.have += got; one.have < expected {
				continue
			}
			times = append(times, int32(now.Sub(one.sent).Microseconds()))
			one.have, one.sent = 0, now
			if writeAll(descriptor, message) != nil {
				result.Errors++
			}
		}
	}
	result.Calls, result.Seconds = len(times), time.Since(begin).Seconds()
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	if len(times) > 0 {
		result.P50, result.P99 = float64(times[len(times)/2]), float64(times[len(times)*99/100])
	}
	return result
}

// openWebSocket connects and shakes hands, blocking; the socket does not block afterwards.
func openWebSocket(address *net.TCPAddr) (int, error) {
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	var ip [4]byte
	copy(ip[:], address.IP.To4())
	if err := syscall.Connect(descriptor, &syscall.SockaddrInet4{Addr: ip, Port: address.Port}); err != nil {
		return 0, err
	}
	_ = syscall.SetsockoptInt(descriptor, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	request := "GET /echo HTTP/1.1\r\nhost: bench\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if err := writeAll(descriptor, []byte(request)); err != nil {
		return 0, err
	}
	buffer, have := make([]byte, 4096), 0
	for !bytes.Contains(buffer[:have], []byte("\r\n\r\n")) {
		n, err := syscall.Read(descriptor, buffer[have:])
		if n <= 0 {
			return 0, fmt.Errorf("the handshake was cut off: %v", err)
		}
		have += n
	}
	if !strings.HasPrefix(string(buffer[:have]), "HTTP/1.1 101 ") {
		return 0, fmt.Errorf("refused: %s", strings.SplitN(string(buffer[:have]), "\r\n", 2)[0])
	}
	return descriptor, syscall.SetNonblock(descriptor, true)
}
