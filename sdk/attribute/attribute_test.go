package attribute

import (
	"strings"
	"testing"
)

func TestIsValid(t *testing.T) {
	for name, want := range map[string]bool{
		"header.x-session-id": true, "query.user": true, "body.metadata.user_id": true, "model": true, "client": true,
		"": false, "header": false, "header.": false, "x": false, "cookie.a": false, "model.name": false, "client.": false,
		"body." + strings.Repeat("x", MaxName): false,
	} {
		if got := IsValid(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
