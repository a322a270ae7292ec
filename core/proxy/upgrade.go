package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// upgrade joins the caller's connection with the site's after both agreed to
// switch protocols, until either ends.
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
	// The context of the request ends with the hijack; the two connections end
	// each other from here on.
	if err := x.switchAnswer(resp, buffered.Writer); err != nil {
		return errCaller
	}
	var in, out atomic.Int64
	done := make(chan struct{}, 2)
	go func() {
		n, _ := io.Copy(site, unread(buffered.Reader, caller))
		in.Store(n)
		done <- struct{}{}
	}()
	go func() {
		n, _ := io.Copy(caller, site)
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

// unread is the connection with what was read of it already.
func unread(r *bufio.Reader, c net.Conn) io.Reader {
	if n := r.Buffered(); n > 0 {
		return io.MultiReader(io.LimitReader(r, int64(n)), c)
	}
	return c
}
