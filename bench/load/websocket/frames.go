package main

import "encoding/binary"

const binaryFrame = 0x82

// clientFrame is a masked binary message (RFC 6455 section 5.2).
func clientFrame(size int) []byte {
	frame := head(size, true)
	mask := [4]byte{1, 2, 3, 4}
	frame = append(frame, mask[:]...)
	for i := 0; i < size; i++ {
		frame = append(frame, byte('x')^mask[i&3])
	}
	return frame
}

func head(size int, masked bool) []byte {
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	if size < 126 {
		return []byte{binaryFrame, bit | byte(size)}
	}
	return binary.BigEndian.AppendUint16([]byte{binaryFrame, bit | 126}, uint16(size))
}

// frameLength is how many bytes the frame at the beginning of data takes, 0 when its head is not there.
func frameLength(data []byte) (total int, headLength int) {
	if len(data) < 2 {
		return 0, 0
	}
	size, at := int(data[1]&0x7f), 2
	if size == 126 {
		if len(data) < 4 {
			return 0, 0
		}
		size, at = int(binary.BigEndian.Uint16(data[2:])), 4
	}
	if data[1]&0x80 != 0 {
		at += 4
	}
	return at + size, at
}

// answer turns a client's frame into the server's, in place; returns the bytes to send.
func answer(frame []byte, headLength int) []byte {
	payload := frame[headLength:]
	mask := frame[headLength-4 : headLength]
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	// The mask's four bytes are free now: the head moves up to the payload.
	start := frame[4:]
	copy(start, frame[:headLength-4])
	start[1] &= 0x7f
	return start
}
