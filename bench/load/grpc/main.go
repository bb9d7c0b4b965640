// Command grpc-load makes gRPC load over cleartext HTTP/2, and is the origin for it. It works on frames and never looks into header
// blocks, so that it costs little beside the proxy that is measured; that each message came back whole is checked.
//
//	grpc-load origin [-listen 127.0.0.1:0]                        prints "port N"
//	grpc-load unary|bidi -to HOST:PORT -connections N -streams N -size BYTES -seconds S
//	grpc-load idle -to HOST:PORT -connections N -streams N        prints "open N", ends with its input
//
// The load prints one line of JSON: calls, seconds, p50 and p99 in microseconds, errors.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: grpc-load origin|unary|bidi|idle [flags]")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address of the origin")
	to := flags.String("to", "", "address of the proxy")
	connections := flags.Int("connections", 1, "connections")
	streams := flags.Int("streams", 1, "streams of each connection at the same time")
	size := flags.Int("size", 100, "bytes of a message")
	seconds := flags.Float64("seconds", 2, "how long")
	path := flags.String("path", "/bench.Echo/Call", "path of the method")
	_ = flags.Parse(os.Args[2:])
	modes := map[string]int{"unary": modeUnary, "bidi": modeBidi, "idle": modeIdle}
	mode, isLoad := modes[os.Args[1]]
	switch {
	case os.Args[1] == "origin":
		serve(*listen)
	case !isLoad:
		log.Fatalf("no such task: %s", os.Args[1])
	case mode == modeIdle:
		idle(*to, *connections, *streams, *path)
	default:
		load(mode, *to, *connections, *streams, *size, time.Duration(*seconds*float64(time.Second)), *path)
	}
}

func load(mode int, to string, connections, streams, size int, duration time.Duration, path string) {
	var running sync.WaitGroup
	clients := make([]*client, connections)
	started := time.Now()
	for index := range clients {
		clients[index] = newClient(mode, streams, size, path)
		running.Go(func() {
			if err := clients[index].run(to, started.Add(duration)); err != nil {
				log.Print(err)
			}
		})
	}
	running.Wait()
	seconds := time.Since(started).Seconds()
	all := &histogram{}
	var calls, errors uint64
	for _, one := range clients {
		calls += one.calls
		errors += one.errors
		all.merge(one.latencies)
	}
	fmt.Printf("{\"calls\":%d,\"seconds\":%.6f,\"p50\":%d,\"p99\":%d,\"errors\":%d}\n", calls, seconds, all.percentile(0.5), all.percentile(0.99), errors)
}

// idle opens streams and keeps them.
func idle(to string, connections, streams int, path string) {
	var open atomic.Int64
	all := make(chan struct{})
	for range connections {
		one := newClient(modeIdle, streams, 0, path)
		one.onOpened = func() {
			if open.Add(1) == int64(connections) {
				close(all)
			}
		}
		go func() {
			log.Fatalf("a connection ended: %v", one.run(to, time.Time{}))
		}()
	}
	<-all
	fmt.Printf("open %d\n", connections*streams)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
