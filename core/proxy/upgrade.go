package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// upgrade connects the caller's connection with the site's, after both agreed to switch
// protocols, until either closes.
func (x *exchange) upgrade(resp *http.Response) error {
	a := x.attempt
	defer a.end()
	site, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return fmt.Errorf("the site's connection cannot be switched to %s", upgradeOf(resp.Header))
	}
	defer func() { _ = site.Close() }()
	caller, buffered, err := http.NewResponseController(x.caller.w).Hijack()
	if err != nil {
		return fmt.Errorf("the caller's connection cannot be switched to %s: %w", upgradeOf(resp.Header), err)
	}
	defer func() { _ = caller.Close() }()
	// The context of the request is canceled by the hijack: from here on each of the two
	// connections closes the other.
	if err := x.switchAnswer(resp, buffered.Writer); err != nil {
		return errCaller
	}
	defer x.handler.sockets.add(&socket{caller, site})()
	var in, out atomic.Int64
	done := make(chan struct{}, 2)
	go func() {
		n, _ := io.Copy(timedWriter{site, x.handler.writeTime}, unread(buffered.Reader, caller))
		in.Store(n)
		done <- struct{}{}
	}()
	go func() {
		n, _ := io.Copy(timedWriter{caller, x.handler.writeTime}, site)
		out.Store(n)
		done <- struct{}{}
	}()
	<-done
	_ = caller.Close()
	_ = site.Close()
	<-done
	x.record.BytesIn, x.record.BytesOut = in.Load(), out.Load()
	return nil
}

// timedWriter fails if the other side does not read.
type timedWriter struct {
	to    io.Writer
	limit time.Duration
}

// Write is for [io.Writer].
func (w timedWriter) Write(p []byte) (int, error) {
	if c, ok := w.to.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(time.Now().Add(w.limit))
	}
	return w.to.Write(p)
}

// socket is a WebSocket connection that is relayed.
type socket struct {
	caller, site io.WriteCloser
}

// The close frames "going away" (RFC 6455, sections 5.2 and 7.4.1). Frames of clients
// are masked.
var (
	closeOfServer = []byte{0x88, 0x02, 0x03, 0xe9}
	closeOfClient = []byte{0x88, 0x82, 0x00, 0x00, 0x00, 0x00, 0x03, 0xe9}
)

// sockets are the WebSocket connections that are relayed.
type sockets struct {
	mu  sync.Mutex
	all map[*socket]struct{}
}

// add adds s; remove removes it.
func (a *sockets) add(s *socket) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[*socket]struct{}{}
	}
	a.all[s] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.all, s)
	}
}

// CloseSockets closes all WebSocket connections, with a close frame to both sides. Such
// a connection may be idle for hours, so a shutdown does not wait for it.
func (h *Handler) CloseSockets() {
	h.sockets.mu.Lock()
	defer h.sockets.mu.Unlock()
	for s := range h.sockets.all {
		go func() {
			_, _ = s.site.Write(closeOfClient)
			_, _ = s.caller.Write(closeOfServer)
			_ = s.caller.Close()
		}()
	}
}

func (x *exchange) switchAnswer(resp *http.Response, w *bufio.Writer) error {
	h := x.caller.w.Header()
	x.answerHeaders(resp.Header)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{upgradeOf(resp.Header)}
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	if _, err := fmt.Fprintf(w, "HTTP/1.1 %s\r\n", "101 Switching Protocols"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// unread returns a reader of the buffered bytes and then of the connection.
func unread(r *bufio.Reader, c net.Conn) io.Reader {
	if n := r.Buffered(); n > 0 {
		return io.MultiReader(io.LimitReader(r, int64(n)), c)
	}
	return c
}
