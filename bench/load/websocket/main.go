// ws-load is both ends of the WebSocket row of the bench: clients that send a message and wait for it to come back, and the origin that sends it
// back. Both are one loop over epoll with bare system calls, so that they cost less than any proxy between them.
//
//	ws-load origin                                                    prints `port N`
//	ws-load echo -to HOST:PORT -connections N -size N -seconds N      prints a line of JSON
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	if len(os.Args) < 2 {
		fail("ws-load origin | ws-load echo")
	}
	switch os.Args[1] {
	case "origin":
		runOrigin()
	case "echo":
		flags := flag.NewFlagSet("echo", flag.ExitOnError)
		to := flags.String("to", "", "IPv4 address and port of the proxy")
		connections := flags.Int("connections", 64, "connections, each with one message under way")
		size := flags.Int("size", 100, "bytes of a message")
		seconds := flags.Float64("seconds", 4, "how long")
		_ = flags.Parse(os.Args[2:])
		report, err := runClient(*to, *connections, *size, *seconds)
		if err != nil {
			fail(err.Error())
		}
		text, _ := json.Marshal(report)
		fmt.Println(string(text))
	default:
		fail("no such task: " + os.Args[1])
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
