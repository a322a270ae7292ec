package stats

import "time"

// window counts over the last span of time, in slots.
type window struct {
	width time.Duration
	slots []slot
}

type slot struct {
	epoch int64 // since 1970, in widths; 0: never used
	Sums
}

// at returns the current slot, emptied if it is from an earlier round.
func (w *window) at(now time.Time) *slot {
	epoch := now.UnixNano() / int64(w.width)
	s := &w.slots[epoch%int64(len(w.slots))]
	if s.epoch != epoch {
		l := s.latency
		l.digits = fine
		l.reset()
		*s = slot{epoch: epoch, Sums: Sums{latency: l}}
	}
	return s
}

// sum adds up the slots of the span that ends now.
func (w *window) sum(now time.Time) Sums {
	epoch := now.UnixNano() / int64(w.width)
	out := Sums{latency: latency{digits: fine}}
	for i := range w.slots {
		if s := &w.slots[i]; s.epoch > epoch-int64(len(w.slots)) && s.epoch <= epoch {
			out.join(&s.Sums)
		}
	}
	return out
}

// The size and number of points.
const (
	PointWidth = 10 * time.Second
	PointCount = 60
)

// Point is what happened within [PointWidth].
type Point struct {
	Requests, Failures uint64
	TTFB               time.Duration // average; 0: no samples
}

// points has the points of the last ten minutes.
type points [PointCount]struct {
	epoch              int64
	requests, failures uint64
	sum                time.Duration
	samples            uint64
}

func (p *points) add(now time.Time, one sample) {
	epoch := now.UnixNano() / int64(PointWidth)
	at := &p[epoch%PointCount]
	if at.epoch != epoch {
		*at = points{}[0]
		at.epoch = epoch
	}
	at.requests++
	if one.bad {
		at.failures++
	}
	if one.ttfb > 0 {
		at.sum += one.ttfb
		at.samples++
	}
}

// list returns the points up to now, the oldest first.
func (p *points) list(now time.Time) []Point {
	epoch := now.UnixNano() / int64(PointWidth)
	out := make([]Point, PointCount)
	for i := range out {
		want := epoch - int64(PointCount-1-i)
		if at := p[want%PointCount]; at.epoch == want {
			out[i] = Point{Requests: at.requests, Failures: at.failures}
			if at.samples > 0 {
				out[i].TTFB = at.sum / time.Duration(at.samples)
			}
		}
	}
	return out
}

// rate returns the number of requests per second over the last full point and the
// current one so far.
func (p *points) rate(now time.Time) float64 {
	epoch := now.UnixNano() / int64(PointWidth)
	span := PointWidth + time.Duration(now.UnixNano()%int64(PointWidth))
	n := uint64(0)
	for _, want := range []int64{epoch, epoch - 1} {
		if at := p[want%PointCount]; at.epoch == want {
			n += at.requests
		}
	}
	return float64(n) / span.Seconds()
}
