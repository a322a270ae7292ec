package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// streamResult is the result of many streams at once.
type streamResult struct {
	whole    int
	fault    string          // of the first incomplete stream
	first    []time.Duration // from the request to the first token, without preambleTime, sorted
	lateness []time.Duration // of each token after the first, since the site sent it, sorted
}

// perStart is the time between the starts of two streams: starting all at once would measure
// a queue.
const perStart = 2 * time.Millisecond

// streams opens n streams, one after the other, and keeps all open for the time hold. It
// calls full when all are open.
func streams(ctx context.Context, address string, n int, pace, hold time.Duration, full func()) streamResult {
	ramp := time.Duration(n) * perStart
	r := request{Model: "bench", Stream: true, Tokens: int((ramp+hold)/pace) + 1, PaceMS: pace.Milliseconds()}
	body := r.encode()
	message := append(head(address, len(body)), body...)
	clients := make([]streamClient, n)
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range clients {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * perStart)))
		wg.Go(func() { clients[i].err = clients[i].run(ctx, address, message, r.Tokens) })
	}
	time.Sleep(hold / 2)
	full()
	wg.Wait()
	var out streamResult
	for _, c := range clients {
		if c.err == nil {
			out.whole++
		} else if out.fault == "" {
			out.fault = c.err.Error()
		}
		if len(c.lateness) > 0 {
			out.first = append(out.first, c.first)
		}
		out.lateness = append(out.lateness, c.lateness...)
	}
	slices.Sort(out.first)
	slices.Sort(out.lateness)
	return out
}

type streamClient struct {
	first    time.Duration
	lateness []time.Duration
	err      error
}

func (c *streamClient) run(ctx context.Context, address string, message []byte, tokens int) error {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c.lateness = make([]time.Duration, 0, tokens)
	begun := time.Now()
	if _, err := conn.Write(message); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return c.read(conn, resp, begun, tokens)
}

var (
	preamble = []byte(`data: {"choices"`)
	done     = []byte("data: [DONE]")
)

func (c *streamClient) read(conn net.Conn, resp *http.Response, begun time.Time, tokens int) error {
	lines := bufio.NewScanner(resp.Body)
	got, ended := 0, false
	for lines.Scan() {
		line := lines.Bytes()
		now := time.Now()
		switch {
		case len(line) == 0, bytes.HasPrefix(line, preamble):
			continue
		case bytes.Equal(line, done):
			ended = true
			continue
		}
		_ = conn.SetReadDeadline(now.Add(patience))
		sent, err := sentAt(line)
		if err != nil {
			return err
		}
		if got++; got == 1 {
			c.first = now.Sub(begun) - preambleTime
		}
		if got > 1 {
			c.lateness = append(c.lateness, now.Sub(sent))
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("after %d of %d tokens: %w", got, tokens, err)
	}
	if got != tokens || !ended {
		return fmt.Errorf("the stream ended after %d of %d tokens", got, tokens)
	}
	return nil
}

// sentAt parses the time in a token: data: {"sent":123,…
func sentAt(line []byte) (time.Time, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`data: {"sent":`))
	digits, _, found := bytes.Cut(rest, []byte(","))
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || !found || err != nil {
		return time.Time{}, errors.New("a line that the site did not send")
	}
	return time.Unix(0, n), nil
}
