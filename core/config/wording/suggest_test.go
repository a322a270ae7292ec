package wording

import "testing"

func TestIsTypo(t *testing.T) {
	for _, tt := range []struct {
		given, ref string
		want       bool
	}{
		{"priorty", "priority", true},
		{"htpp", "http", true},
		{"bandti", "acme/bandit", true},
		{"acme/bandti", "acme/bandit", true},
		{"nightkey", "weighted", false},
		{"cheapest", "sticky", false},
	} {
		if got := IsTypo(tt.given, tt.ref); got != tt.want {
			t.Errorf("%q for %q: got %v, want %v", tt.given, tt.ref, got, tt.want)
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
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
