package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func publish(b *Bus, n int) {
	for range n {
		b.Publish(Event{Type: TypeLog})
	}
}

func ids(events []Event) []uint64 {
	out := []uint64{}
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func TestRecentIsInOrder(t *testing.T) {
	b := NewBus(4, nil)
	if got := b.Recent(3); len(got) != 0 {
		t.Fatalf("empty bus: %v", ids(got))
	}
	publish(b, 10)
	for n, want := range map[int][]uint64{2: {9, 10}, 4: {7, 8, 9, 10}, 99: {7, 8, 9, 10}, 0: {}} {
		got := ids(b.Recent(n))
		if len(got) != len(want) || (len(got) > 0 && got[0] != want[0]) {
			t.Errorf("Recent(%d) = %v, want %v", n, got, want)
		}
	}
}

// take waits for the next events of a reader.
func take(t *testing.T, r *Reader) (ids []uint64, missed bool) {
	t.Helper()
	for deadline := time.After(10 * time.Second); ; {
		frames, missed := r.Take()
		for _, f := range frames {
			var e Event
			if err := json.Unmarshal(f.Data, &e); err != nil || e.ID != f.ID || e.Type != f.Type || e.Channel != f.Channel {
				t.Fatalf("frame %d: %s: %v", f.ID, f.Data, err)
			}
			ids = append(ids, f.ID)
		}
		if len(ids) > 0 || missed {
			return ids, missed
		}
		select {
		case <-r.Wake():
		case <-deadline:
			t.Fatal("the reader is not woken")
		}
	}
}

func TestReaderResumes(t *testing.T) {
	b := NewBus(4, nil)
	publish(b, 6)
	r := b.Follow(5)
	defer r.Close()
	if got, missed := take(t, r); missed || len(got) != 2 || got[0] != 5 {
		t.Fatalf("%v, missed %v", got, missed)
	}
	publish(b, 1)
	if got, missed := take(t, r); missed || len(got) != 1 || got[0] != 7 {
		t.Fatalf("%v, missed %v", got, missed)
	}
	late := b.Follow(1)
	late.Close()
	late.Close()
	if got, missed := late.Take(); !missed || len(got) != 4 || got[0].ID != 4 {
		t.Errorf("event 1 is lost, but not reported: %v", got)
	}
}

func TestSlowReaderMissesEvents(t *testing.T) {
	b := NewBus(4, nil)
	slow, quick := b.Follow(0), b.Follow(0)
	defer slow.Close()
	defer quick.Close()
	for want := uint64(1); want <= 9; want++ {
		publish(b, 1)
		if got, missed := take(t, quick); missed || len(got) != 1 || got[0] != want {
			t.Fatalf("%v, missed %v, want %d", got, missed, want)
		}
	}
	if got, missed := take(t, slow); !missed || got[0] != 6 {
		t.Errorf("%v, missed %v", got, missed)
	}
}

// TestEveryReaderIsWoken publishes while many readers come and go.
func TestEveryReaderIsWoken(t *testing.T) {
	b := NewBus(4096, nil)
	const readers, events = 200, 500
	var wg sync.WaitGroup
	for range readers {
		r := b.Follow(1)
		wg.Go(func() {
			defer r.Close()
			for seen := uint64(0); seen < events; {
				got, missed := take(t, r)
				if missed || got[0] != seen+1 {
					t.Errorf("%v after %d, missed %v", got[0], seen, missed)
					return
				}
				seen = got[len(got)-1]
			}
		})
	}
	publish(b, events)
	wg.Wait()
}

func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 1000} {
		b.Run(strconv.Itoa(readers), func(b *testing.B) {
			bus := NewBus(1000, nil)
			for range readers {
				defer bus.Follow(1).Close()
			}
			b.ReportAllocs()
			for b.Loop() {
				bus.Publish(Event{Type: TypeLog})
			}
		})
	}
}

func TestMillisSurviveJSON(t *testing.T) {
	in := Request{TTFB: Millis(1500 * time.Microsecond)}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"ttfb_ms":1.5,`) {
		t.Fatalf("%s", b)
	}
	var out Request
	if err := json.Unmarshal(b, &out); err != nil || out.TTFB != in.TTFB {
		t.Fatalf("%v, %v", out.TTFB, err)
	}
}
