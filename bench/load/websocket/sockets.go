package main

import "syscall"

const maxEvents = 256

// poll waits for descriptors that can be read; ms -1 = for ever.
func poll(epoll int, events []syscall.EpollEvent, ms int) int {
	for {
		n, err := syscall.EpollWait(epoll, events, ms)
		if err == nil {
			return n
		}
		if err != syscall.EINTR {
			return 0
		}
	}
}

func watch(epoll int, descriptor int) error {
	return syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, descriptor, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(descriptor)})
}

// writeAll is for small messages: a socket that takes nothing is waited for.
func writeAll(descriptor int, data []byte) error {
	for len(data) > 0 {
		n, err := syscall.Write(descriptor, data)
		if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
			return err
		}
		if n > 0 {
			data = data[n:]
		}
	}
	return nil
}
