package wording

import "testing"

func TestNearestRef(t *testing.T) {
	known := []string{"weighted", "priority", "acme/balance", "acme/bandit", "guide"}
	for given, want := range map[string]string{
		"balanc": "acme/balance", "weightd": "weighted", "acme/bandti": "acme/bandit", "acmee/bandit": "acme/bandit",
		"acme/nothing": "", "zzzzzz": "", "gudie": "guide", "gudie/guide": "guide", "guide/gudie": "guide", "Priority": "priority",
	} {
		if got := NearestRef(given, known); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
