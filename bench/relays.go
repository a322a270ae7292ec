package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// The bare relays do only what a proxy must do: they show the cost of relaying through a
// process in Go.

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 8192,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
}

// serveNetHTTP is a relay with net/http, as in a carefully written proxy.
func serveNetHTTP(l net.Listener, site string) error {
	r := &relay{site: site, transport: newTransport()}
	r.buffers.New = func() any { return new([32 << 10]byte) }
	return (&http.Server{Handler: r}).Serve(l)
}

type relay struct {
	site      string
	transport *http.Transport
	buffers   sync.Pool
}

var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
	for _, name := range hopByHop {
		delete(to, name)
	}
}

func (y *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	if err != nil {
		http.Error(w, "the request was cut off", http.StatusBadRequest)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+y.site+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	copyHeader(req.Header, r.Header)
	resp, err := y.transport.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	copyHeader(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if !y.copy(w, resp) {
		panic(http.ErrAbortHandler) // a cut answer must not look complete
	}
}

func readAll(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 {
		return io.ReadAll(r.Body)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// copy reports whether the whole body was copied. It uses a buffer instead of the writer's
// ReadFrom, which is slower.
func (y *relay) copy(w http.ResponseWriter, resp *http.Response) bool {
	buffer := y.buffers.Get().(*[32 << 10]byte)
	defer y.buffers.Put(buffer)
	for {
		n, err := resp.Body.Read(buffer[:])
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return false
			}
			if resp.ContentLength < 0 {
				_ = http.NewResponseController(w).Flush()
			}
		}
		if err != nil {
			return err == io.EOF
		}
	}
}

// serveReverseProxy returns the standard library's proxy with its defaults.
func serveReverseProxy(l net.Listener, site string) error {
	target := &url.URL{Scheme: "http", Host: site}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: newTransport(),
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	return (&http.Server{Handler: proxy, ErrorLog: proxy.ErrorLog}).Serve(l)
}

// serveFastHTTP returns a relay that uses fasthttp instead of net/http.
func serveFastHTTP(l net.Listener, site string) error {
	client := &fasthttp.HostClient{
		Addr: site, MaxConns: 16384, StreamResponseBody: true, NoDefaultUserAgentHeader: true,
		// A site may close an idle connection at any time.
		RetryIfErr: func(_ *fasthttp.Request, attempts int, _ error) (bool, bool) { return false, attempts <= 1 },
	}
	handler := func(ctx *fasthttp.RequestCtx) {
		for _, name := range hopByHop {
			ctx.Request.Header.Del(name)
		}
		if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusBadGateway)
			return
		}
		ctx.Response.ImmediateHeaderFlush = ctx.Response.Header.ContentLength() < 0
		ctx.Response.Header.Del("Connection")
	}
	return (&fasthttp.Server{Handler: handler, NoDefaultServerHeader: true, NoDefaultDate: true}).Serve(l)
}
