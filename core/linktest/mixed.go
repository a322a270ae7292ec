package linktest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Mixed is the result of [Measure]: the times of small answers that compete with two
// large ones, and the rate of the large ones.
type Mixed struct {
	Small   []time.Duration // the time of each small answer, sorted
	Bulk    float64         // payload of the large ones, in bits per second
	Elapsed time.Duration
}

// smallPause is the pause between two small requests.
const smallPause = 100 * time.Millisecond

// Measure requests two large answers, at /bulk, from an address, and at the same time
// small ones, at /small. The beginning of the large answers does not count.
func Measure(ctx context.Context, client *http.Client, address string, length time.Duration) (m Mixed, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var carried atomic.Int64
	var transfers sync.WaitGroup
	defer transfers.Wait()
	defer cancel()
	for range 2 {
		transfers.Go(func() {
			for ctx.Err() == nil {
				_ = get(ctx, client, address+"/bulk", &carried) // a broken one shows in what is carried
			}
		})
	}
	if err := awaitBytes(ctx, &carried, 200<<10); err != nil {
		return m, err
	}
	before, started := carried.Load(), time.Now()
	for time.Since(started) < length {
		begun := time.Now()
		if err := get(ctx, client, address+"/small", new(atomic.Int64)); err != nil {
			return m, err
		}
		m.Small = append(m.Small, time.Since(begun))
		time.Sleep(smallPause)
	}
	m.Elapsed = time.Since(started)
	m.Bulk = float64(carried.Load()-before) * 8 / m.Elapsed.Seconds()
	slices.Sort(m.Small)
	return m, nil
}

// get reads an answer and adds its bytes to a counter.
func get(ctx context.Context, client *http.Client, url string, count *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, counted{resp.Body, count})
	return err
}

// counted counts the bytes that are read.
type counted struct {
	io.Reader
	count *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p[:min(len(p), 4096)])
	c.count.Add(int64(n))
	return n, err
}

// awaitBytes waits until a transfer has reached its normal speed.
func awaitBytes(ctx context.Context, count *atomic.Int64, bytes int64) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for count.Load() < bytes {
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d bytes were received: %w", count.Load(), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// At returns a percentile of the times of the small answers.
func (m Mixed) At(percent int) time.Duration {
	if len(m.Small) == 0 {
		return 0
	}
	return m.Small[min(len(m.Small)*percent/100, len(m.Small)-1)]
}

// String is for logs of tests.
func (m Mixed) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("%d small answers in %s: median %s, p90 %s, p99 %s, max %s; large ones %.3f Mbit/s", len(m.Small), round(m.Elapsed), round(m.At(50)), round(m.At(90)), round(m.At(99)), round(m.At(100)), m.Bulk/1e6)
}
