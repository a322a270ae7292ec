package stats

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A histogram has the quantiles of an HdrHistogram with the same digits, also after it was saved
// and after others were added.
func TestLatencyIsAnHdrHistogram(t *testing.T) {
	for _, digits := range []int{fine, coarse} {
		want := hdrhistogram.New(1, longest, digits)
		l, part, restored := latency{digits: digits}, latency{digits: digits}, latency{digits: digits}
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 5000 {
			value := min(max(int64(random.ExpFloat64()*float64(int64(1)<<(i%20))), 1), longest)
			_ = want.RecordValue(value)
			to := &l
			if i%3 == 0 {
				to = &part
			}
			to.add(time.Duration(value) * unit)
		}
		l.join(&part)
		restored.decode(l.encode(), l.sum)
		for name, got := range map[string]*latency{"joined": &l, "restored": &restored} {
			if got.total != 5000 || got.sum != l.sum {
				t.Errorf("%s: %d times, sum %s", name, got.total, got.sum)
			}
			for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
				if got, want := got.quantile(q), time.Duration(want.ValueAtQuantile(100*q))*unit; got != want {
					t.Errorf("%s with %d digits: quantile %v is %s, want %s", name, digits, q, got, want)
				}
			}
		}
	}
}

// The times of one site are close to each other, and take little memory.
func TestLatencyIsSmall(t *testing.T) {
	l := latency{digits: coarse}
	for i := range 1000 {
		l.add(200*time.Millisecond + time.Duration(i)*time.Millisecond)
	}
	if n := cap(l.counts); n > 64 {
		t.Errorf("%d counters", n)
	}
}
