package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// loadResult is the result of one round of requests.
type loadResult struct {
	requests  int
	failed    int
	fault     string // the first one
	elapsed   time.Duration
	latencies []time.Duration // sorted
}

// head begins every request.
func head(address string, size int) []byte {
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-bench\r\nContent-Length: %d\r\n\r\n", address, size)
}

// load sends requests over the given number of connections, one after the
// other on each, until the time is up.
func load(ctx context.Context, address string, conns int, d time.Duration) loadResult {
	body := request{Model: "bench"}.encode()
	return loadOf(ctx, address, append(head(address, len(body)), body...), conns, d)
}

// loadOf is load with another message.
func loadOf(ctx context.Context, address string, message []byte, conns int, d time.Duration) loadResult {
	workers := make([]worker, conns)
	begun := time.Now()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { workers[i].run(ctx, address, message, begun.Add(d)) })
	}
	wg.Wait()
	return collect(workers, time.Since(begun))
}

func collect(workers []worker, elapsed time.Duration) loadResult {
	out := loadResult{elapsed: elapsed}
	for i := range workers {
		w := &workers[i]
		out.requests += len(w.latencies)
		out.failed += w.failed
		out.latencies = append(out.latencies, w.latencies...)
		if out.fault == "" {
			out.fault = w.fault
		}
	}
	slices.Sort(out.latencies)
	return out
}

// worker is one connection.
type worker struct {
	conn      net.Conn
	reader    *bufio.Reader
	patient   time.Time // since when the deadline of conn counts
	resp      fasthttp.Response
	latencies []time.Duration
	failed    int
	fault     string
}

// patience is how long a worker waits for an answer; it may be a tenth less.
const patience = 10 * time.Second

func (w *worker) run(ctx context.Context, address string, message []byte, until time.Time) {
	defer w.hangUp()
	for ctx.Err() == nil {
		if time.Now().After(until) {
			return
		}
		w.once(address, message)
	}
}

// once sends one request, and records its result.
func (w *worker) once(address string, message []byte) {
	begun := time.Now()
	if err := w.ask(address, message); err != nil {
		w.failed++
		if w.fault == "" {
			w.fault = err.Error()
		}
		w.hangUp()
		time.Sleep(time.Millisecond) // do not flood a proxy that refuses everything
		return
	}
	w.latencies = append(w.latencies, time.Since(begun))
}

func (w *worker) ask(address string, message []byte) error {
	if w.conn == nil {
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return err
		}
		w.conn, w.reader, w.patient = conn, bufio.NewReader(conn), time.Time{}
	}
	if now := time.Now(); now.Sub(w.patient) > patience/10 { // not for each request, since it is slow
		w.patient = now
		_ = w.conn.SetDeadline(now.Add(patience))
	}
	if _, err := w.conn.Write(message); err != nil {
		return err
	}
	if err := w.resp.Read(w.reader); err != nil {
		return err
	}
	if status := w.resp.StatusCode(); status != fasthttp.StatusOK {
		return fmt.Errorf("status %d: %.100s", status, w.resp.Body())
	}
	if !bytes.Equal(w.resp.Body(), wholeAnswer) {
		return fmt.Errorf("the answer is not the site's: %d bytes", len(w.resp.Body()))
	}
	if w.resp.ConnectionClose() {
		w.hangUp()
	}
	return nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// quantile returns a quantile of sorted values; 0 if there are none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
