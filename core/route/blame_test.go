package route

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/verdict"
)

// TestOneBadRequestLeavesAllKeysUsable: a moderated prompt and a geographic
// block, refused by every key and channel for an unknown reason.
func TestOneBadRequestLeavesAllKeysUsable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 20 {
			keys = append(keys, fmt.Sprint("k", i))
		}
		w := inOrderOf(t, channels("a:"+strings.Join(keys, ","), "b:"+strings.Join(keys, ","))...)
		refused := map[string]Outcome{"a": means(verdict.Suspect), "b": means(verdict.Suspect)}
		for range 10 {
			for i := range 40 { // everything works, so that all keys have a good answer
				w.send(w.begin(fmt.Sprint(i)), nil)
			}
			w.send(w.begin("moderated"), refused)
			blocked := map[string]Outcome{"a": means(verdict.Suspect)}
			w.send(w.begin("from an unsupported country"), blocked)
			time.Sleep(time.Minute)
		}
		for _, ch := range w.table.Channels {
			for _, k := range ch.Keys {
				v := k.State.View(w.registry.Now())
				if _, deferred := k.State.Deferred(w.registry.Now(), "m", "generate"); v.Skip != "" || deferred {
					t.Errorf("key %s of %s: %s", k.State.ID(), ch.Config.Name, v.State())
				}
			}
		}
		if skip := w.channel("a").State.Skip(w.registry.Now()); skip != "" {
			t.Errorf("channel a: %s", skip)
		}
	})
}
