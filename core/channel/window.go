package channel

import "time"

const buckets = 12

// window counts successes and failures over the last span of time.
type window struct {
	span  time.Duration
	start time.Time // the beginning of epoch 0
	epoch int64     // of the newest bucket
	good  [buckets]uint32
	bad   [buckets]uint32
}

func (w *window) add(now time.Time, ok bool) {
	w.roll(now)
	i := w.epoch % buckets
	if ok {
		w.good[i]++
	} else {
		w.bad[i]++
	}
}

func (w *window) sum(now time.Time) (good, bad int) {
	w.roll(now)
	for i := range buckets {
		good += int(w.good[i])
		bad += int(w.bad[i])
	}
	return good, bad
}

func (w *window) errorRate(now time.Time) float64 {
	good, bad := w.sum(now)
	if good+bad == 0 {
		return 0
	}
	return float64(bad) / float64(good+bad)
}

// roll empties the buckets that are older than the span.
func (w *window) roll(now time.Time) {
	if w.start.IsZero() {
		w.start = now
	}
	width := max(w.span/buckets, time.Millisecond)
	epoch := int64(now.Sub(w.start) / width)
	if epoch-w.epoch >= buckets {
		w.good, w.bad = [buckets]uint32{}, [buckets]uint32{}
		w.epoch = epoch
	}
	for w.epoch < epoch {
		w.epoch++
		i := w.epoch % buckets
		w.good[i], w.bad[i] = 0, 0
	}
}
