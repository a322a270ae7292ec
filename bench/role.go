package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

// roles are the servers that this program can run as, in a process of its own:
// `bench ROLE ADDRESS [SITE]`.
var roles = map[string]func(l net.Listener, site string) error{
	"site":         func(l net.Listener, _ string) error { return serveSite(l) },
	"nethttp":      serveNetHTTP,
	"reverseproxy": serveReverseProxy,
	"fasthttp":     serveFastHTTP,
	"plain":        servePlain,
	"tunnel":       serveTunnel,
}

// play serves until standard input ends, so that no server is left after the run.
func play(serve func(net.Listener, string) error, args []string, errs io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprintln(errs, "bench: the address to listen on is missing")
		return 2
	}
	site := ""
	if len(args) > 1 {
		site = args[1]
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(l, site) }()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil
	}()
	if err := <-failed; err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}
