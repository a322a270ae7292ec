package sdktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

func keyIDs(req sdk.CheckRequest) (ids []string) {
	for _, k := range req.Keys {
		ids = append(ids, k.ID)
	}
	return ids
}

// keyResults returns what is invalid in the results about single keys.
func keyResults(res sdk.CheckResult, ids []string) error {
	seen := map[string]bool{}
	for _, r := range res.Keys {
		switch {
		case !slices.Contains(ids, r.ID):
			return fmt.Errorf("CheckResult.Keys names %q, which is not one of the keys it was asked about: use the ids of CheckRequest.Keys", r.ID)
		case seen[r.ID]:
			return fmt.Errorf("CheckResult.Keys names the key %q twice", r.ID)
		case !slices.Contains([]sdk.KeyState{sdk.KeyOK, sdk.KeyCooldown, sdk.KeySpent, sdk.KeyInvalid}, r.State):
			return fmt.Errorf("the state %q of the key %q is not one that the host knows", r.State, r.ID)
		case r.State != sdk.KeyOK && strings.TrimSpace(r.Reason) == "":
			return fmt.Errorf("the key %q is %s without a Reason: users read it", r.ID, r.State)
		}
		seen[r.ID] = true
	}
	return nil
}

// singleKeys checks that keys are reported as the option [Keys] says, in any order.
func (k *kit) singleKeys(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	keys := slices.Clone(k.keys)
	if len(keys) == 0 {
		keys = []CheckedKey{{ID: "key-1", Label: "one"}, {ID: "key-2"}}
	}
	for range 2 {
		req := sdk.CheckRequest{Channel: "site", Models: checkRequest.Models}
		for _, key := range keys {
			req.Keys = append(req.Keys, sdk.CheckKey{ID: key.ID, Label: key.Label})
		}
		s := newSite(k.site)
		s.keys = keys
		res, err := k.check(c, s, req)
		if err != nil {
			t.Errorf("the check of %d keys fails: %v", len(keys), err)
			return
		}
		k.compareKeys(t, res, keys)
		slices.Reverse(keys)
	}
	// A channel may have no keys.
	if _, err := k.check(c, newSite(k.site), sdk.CheckRequest{Channel: "site", Models: checkRequest.Models}); err != nil {
		t.Errorf("the check of a channel without keys fails: %v; probe it without a KeyID when CheckRequest.Keys is empty", err)
	}
}

func (k *kit) compareKeys(t *testing.T, res sdk.CheckResult, keys []CheckedKey) {
	t.Helper()
	if len(k.keys) == 0 {
		return
	}
	for _, key := range keys {
		var got sdk.KeyState
		for _, r := range res.Keys {
			if r.ID == key.ID {
				got = r.State
			}
		}
		if got != key.Want {
			t.Errorf("the check says %q about the key %q, it should say %q (\"\" is nothing): does it probe with this key, by ProbeRequest.KeyID?", got, key.ID, key.Want)
		}
	}
}
