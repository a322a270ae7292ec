//go:build unix

package history

import (
	"context"
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// BenchmarkFullSpeed measures the CPU time, of all threads, that the history takes for a
// row at 9,000 rows a second: with every row written, and with those that the store
// accepts.
func BenchmarkFullSpeed(b *testing.B) {
	for name, rate := range map[string]float64{"all": math.MaxInt32, "bounded": maxRate} {
		b.Run(name, func(b *testing.B) {
			s := startWith(Options{Dir: b.TempDir()}, rate)
			s.Configure(Settings{Enabled: true, Keep: 1000 * 24 * time.Hour, MaxSize: 1 << 30})
			r := one("req_1")
			add := func(n int) {
				for range n {
					s.Add(time.Now(), r)
				}
				time.Sleep(10 * time.Millisecond)
			}
			for range 2 * queueSize / 90 { // until the queue is what holds rows back
				add(90)
			}
			s.mu.Lock()
			s.room = min(s.room, int(rate))
			s.mu.Unlock()
			before, added := cpuTime(), 0
			b.ResetTimer()
			for added < b.N {
				add(90)
				added += 90
			}
			s.Flush(context.Background())
			took := cpuTime() - before
			b.ReportMetric(float64(took.Microseconds())/float64(added), "cpu-µs/row")
			s.Close(b.Context())
		})
	}
}

// BenchmarkManyKeys measures the share of a core that the history takes at 500 requests a
// second with 10,000 keys in turn.
func BenchmarkManyKeys(b *testing.B) {
	s := Start(Options{Dir: b.TempDir()})
	defer s.Close(b.Context())
	s.Configure(Settings{Enabled: true, Keep: 1000 * 24 * time.Hour, MaxSize: 1 << 30})
	var requests []*event.Request
	for i := range 10_000 {
		r := one("req_1")
		r.Key = fmt.Sprint("key-", i)
		requests = append(requests, r)
	}
	for _, r := range requests { // each has its sums from now on
		s.Add(time.Now(), r)
	}
	s.Flush(b.Context())
	before, begun := cpuTime(), time.Now()
	b.ResetTimer()
	for i := range b.N {
		s.Add(time.Now(), requests[i%len(requests)])
		if i%10 == 9 {
			time.Sleep(time.Until(begun.Add(time.Duration(i) * 2 * time.Millisecond)))
		}
	}
	b.ReportMetric(100*float64(cpuTime()-before)/float64(time.Since(begun)), "cpu-%")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
