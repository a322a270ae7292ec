package view

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/event"
)

// TestEachKeyOfAPassedOverChannelIsNamed if the reasons differ.
func TestEachKeyOfAPassedOverChannelIsNamed(t *testing.T) {
	rejected := event.PassedOverKey{Key: "sk-…ef", Why: "invalid_key", Reason: "401 Unauthorized"}
	spent := event.PassedOverKey{Key: "second", Why: "quota_spent", Reason: "403 Forbidden"}
	for want, keys := range map[string][]event.PassedOverKey{
		"no key is usable: 401 Unauthorized": {rejected, rejected},
		"no key is usable: sk-…ef: invalid key: 401 Unauthorized; second: out of quota: 403 Forbidden": {rejected, spent},
	} {
		if got := PassedOverText(event.PassedOver{Channel: "main", Why: "no_key", Reason: rejected.Reason, Keys: keys}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
