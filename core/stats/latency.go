package stats

import (
	"encoding/base64"
	"encoding/binary"
	"hash/adler32"
	"math"
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Significant digits of a latency.
const (
	fine   = 2
	coarse = 1
)

const (
	unit    = 100 * time.Microsecond
	longest = int64(10 * time.Minute / unit)
)

// latency is a histogram of times, with the buckets of an HdrHistogram. It has memory
// only for the buckets between its smallest and its largest time, as most channels and
// keys have few.
type latency struct {
	digits int
	first  int      // the bucket of counts[0]
	counts []uint64 // by bucket
	total  uint64
	sum    time.Duration
}

// precision returns the number of significant bits of a time.
func (l *latency) precision() int {
	if l.digits == fine {
		return 8
	}
	return 5
}

// bucket returns the bucket of a value: values of up to precision bits have one each,
// above that buckets become wider with the value.
func (l *latency) bucket(value int64) int {
	precision := l.precision()
	shift := max(bits.Len64(uint64(value))-precision, 0) //nolint:gosec // not negative
	return shift<<(precision-1) + int(value>>shift)
}

// value returns the largest value of a bucket.
func (l *latency) value(bucket int) int64 {
	precision := l.precision()
	shift := max(bucket>>(precision-1)-1, 0)
	return int64(bucket-shift<<(precision-1)+1)<<shift - 1
}

func (l *latency) add(d time.Duration) {
	l.count(int64(d/unit), 1)
	l.sum += d
}

func (l *latency) count(value int64, n uint64) {
	*l.at(l.bucket(min(max(value, 1), longest))) += n
	l.total += n
}

// at returns the counter of a bucket, which it adds if necessary.
func (l *latency) at(bucket int) *uint64 {
	const spare = 4
	switch end := l.first + len(l.counts); {
	case len(l.counts) == 0:
		l.first, l.counts = bucket, make([]uint64, 1, 1+spare)
	case bucket < l.first:
		first := max(bucket-spare, 0)
		counts := make([]uint64, end-first)
		copy(counts[l.first-first:], l.counts)
		l.first, l.counts = first, counts
	case bucket >= end:
		if need := bucket + 1 - l.first; need > cap(l.counts) {
			l.counts = append(make([]uint64, 0, need+spare), l.counts...)
		}
		l.counts = l.counts[:bucket+1-l.first]
	}
	return &l.counts[bucket-l.first]
}

// reset removes all times, and keeps the memory.
func (l *latency) reset() {
	clear(l.counts)
	l.total, l.sum = 0, 0
}

// join adds the times of another histogram.
func (l *latency) join(o *latency) {
	for i, n := range o.counts {
		if n > 0 {
			l.count(o.value(o.first+i), n)
		}
	}
	l.sum += o.sum
}

// quantile returns the time that the share p of the times did not exceed.
func (l *latency) quantile(p float64) time.Duration {
	rank := max(uint64(p*float64(l.total)+0.5), 1)
	seen := uint64(0)
	for i, n := range l.counts {
		if seen += n; seen >= rank {
			return time.Duration(l.value(l.first+i)) * unit
		}
	}
	return 0
}

// Constants of the format in which histograms are saved.
const (
	cookie           = 0x1c849303 | 0x10
	compressedCookie = 0x1c849304 | 0x10
)

// encode returns the histogram in the form of an HdrHistogram, V2, compressed; nil if it
// is empty. The library compresses each with a writer of its own, which takes a
// millisecond and a megabyte, while requests wait for the statistics. Here the stream has
// one block that is not compressed.
func (l *latency) encode() []byte {
	if l.total == 0 {
		return nil
	}
	var counts []byte
	zeros := int64(l.first)
	for _, n := range l.counts {
		if n == 0 {
			zeros++
			continue
		}
		if zeros > 0 {
			counts = binary.AppendVarint(counts, -zeros)
		}
		counts = binary.AppendVarint(counts, int64(n)) //nolint:gosec // a number of requests
		zeros = 0
	}
	order := binary.BigEndian
	text := order.AppendUint32(nil, cookie)
	text = order.AppendUint32(text, uint32(len(counts))) //nolint:gosec // some hundreds
	text = order.AppendUint32(text, 0)                   // the offset of its indexes
	text = order.AppendUint32(text, uint32(max(l.digits, coarse)))
	text = order.AppendUint64(text, 1) // its smallest value
	text = order.AppendUint64(text, uint64(longest))
	text = order.AppendUint64(text, math.Float64bits(1))
	text = append(text, counts...)

	size := uint16(len(text)) //nolint:gosec // 2,048 buckets of at most ten bytes
	stream := []byte{0x78, 0x01, 0x01}
	stream = binary.LittleEndian.AppendUint16(stream, size)
	stream = binary.LittleEndian.AppendUint16(stream, ^size)
	stream = append(stream, text...)
	stream = order.AppendUint32(stream, adler32.Checksum(text))

	out := order.AppendUint32(nil, compressedCookie)
	out = order.AppendUint32(out, uint32(len(stream))) //nolint:gosec // see above
	return base64.StdEncoding.AppendEncode(nil, append(out, stream...))
}

// decode adds what encode returned. What cannot be read is left out.
func (l *latency) decode(b []byte, sum time.Duration) {
	if len(b) == 0 {
		return
	}
	h, err := hdrhistogram.Decode(b)
	if err != nil {
		return
	}
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			l.count(bar.To, uint64(bar.Count)) //nolint:gosec // not negative
		}
	}
	l.sum += sum
}
