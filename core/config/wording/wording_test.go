package wording

import "testing"

func TestIsTypo(t *testing.T) {
	for given, want := range map[[2]string]bool{
		{"priorty", "priority"}:        true,
		{"htpp", "http"}:               true,
		{"bandti", "acme/bandit"}:      true,
		{"acme/bandti", "acme/bandit"}: true,
		{"nightkey", "weighted"}:       false,
		{"cheapest", "sticky"}:         false,
	} {
		if got := IsTypo(given[0], given[1]); got != want {
			t.Errorf("%s for %s: %v", given[0], given[1], got)
		}
	}
}

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
