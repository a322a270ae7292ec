package event

import (
	"encoding/json"
	"strings"
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

func TestRecentKeepsTheLastOnesInOrder(t *testing.T) {
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

func TestSubscribeResumesAndSaysWhatIsMissing(t *testing.T) {
	b := NewBus(4, nil)
	publish(b, 6)
	past, missed, s := b.Subscribe(5, 1)
	if missed || len(past) != 2 || past[0].ID != 5 {
		t.Fatalf("past %v, missed %v", ids(past), missed)
	}
	s.Close()
	s.Close()
	if _, missed, s := b.Subscribe(1, 1); !missed {
		t.Error("event 1 is forgotten, but nothing was said")
	} else {
		s.Close()
	}
}

func TestASlowReaderIsDroppedAndOthersGoOn(t *testing.T) {
	b := NewBus(16, nil)
	_, _, slow := b.Subscribe(0, 1)
	_, _, quick := b.Subscribe(0, 8)
	publish(b, 3)
	if e := <-slow.C(); e.ID != 1 {
		t.Fatalf("first event %d", e.ID)
	}
	if _, open := <-slow.C(); open {
		t.Fatal("the slow reader is still subscribed")
	}
	for want := uint64(1); want <= 3; want++ {
		if e := <-quick.C(); e.ID != want {
			t.Fatalf("event %d, want %d", e.ID, want)
		}
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
