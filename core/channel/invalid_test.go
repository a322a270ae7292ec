package channel

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The operations that a channel answered, and those that rejected a key, survive a restart.
func TestRejectedOperationsAreSaved(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	options := Options{Now: func() time.Time { return now }, Seed: []byte("seed")}
	before := NewRegistry(options)
	fresh := before.Channel("fresh", "https://a.example").Key("secret-key-1")
	fresh.Invalidate(now, "/v1/messages", 0, "401")
	lease, _ := before.Channel("used", "https://b.example").Acquire(now, 0, false)
	lease.Answered(now, "m", "/v1/chat/completions")
	lease.Succeed(now)
	before.Channel("used", "https://b.example").Key("secret-key-2").Succeed(now, "m", 0)

	raw, err := json.Marshal(before.Save())
	if err != nil {
		t.Fatal(err)
	}
	var saved Saved
	if err := json.Unmarshal(raw, &saved); err != nil {
		t.Fatal(err)
	}
	after := NewRegistry(options)
	k := after.Channel("fresh", "https://a.example").Key("secret-key-1") // in use before, as in a restart
	after.Restore(saved)
	for operation, want := range map[string]Skip{"": SkipInvalidKey, "/v1/messages": SkipInvalidKey, "/v1/chat/completions": ""} {
		if got, _ := k.Skip(now, "m", operation); got != want {
			t.Errorf("%q: skipped because %q, want %q", operation, got, want)
		}
	}
	if _, deferred := k.Deferred(now, "m", "/v1/chat/completions"); !deferred || !k.Snapshot(now).Available {
		t.Error("the key is not used last for other operations")
	}
	if reason := k.View(now).Reason; !strings.HasSuffix(reason, "(rejected by /v1/messages only; other requests use it last)") {
		t.Errorf("reason %q", reason)
	}
	used := after.Channel("used", "https://b.example").Key("secret-key-2")
	if used.WorksElsewhere("", "/v1/chat/completions") || !used.WorksElsewhere("", "/v1/messages") || !used.WorksElsewhere("m", "/v1/messages") || used.WorksElsewhere("n", "/v1/messages") {
		t.Error("the operations that the channel answered are lost")
	}
}

// A key that many operations reject is invalid for all.
func TestManyRejectionsCountForAll(t *testing.T) {
	c, _, s := setup()
	k := s.Key("secret-key-1")
	for i := range maxRejecting + 1 {
		if skip, _ := k.Skip(c.now(), "m", "last"); skip != "" {
			t.Errorf("invalid for all after %d operations", i)
		}
		k.Invalidate(c.now(), string(rune('a'+i)), 0, "401")
	}
	if skip, _ := k.Skip(c.now(), "m", "last"); skip != SkipInvalidKey {
		t.Errorf("%q", skip)
	}
}
