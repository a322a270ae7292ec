package sdk_test

import (
	"encoding/json"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

// TestNoMembersAreNotUnknownMembers: a component can refuse a name that is not in a list,
// even in an empty one, but not without a list.
func TestNoMembersAreNotUnknownMembers(t *testing.T) {
	for _, tt := range []struct {
		members []string
		wire    string
	}{
		{nil, `{"instance":"","body":{}}`},
		{[]string{}, `{"instance":"","body":{},"members":[]}`},
		{[]string{"a"}, `{"instance":"","body":{},"members":["a"]}`},
	} {
		raw, err := json.Marshal(sdk.Config{Body: json.RawMessage("{}"), Members: tt.members})
		if err != nil || string(raw) != tt.wire {
			t.Errorf("%s, %v; want %s", raw, err, tt.wire)
		}
		var got sdk.Config
		if err := json.Unmarshal(raw, &got); err != nil || (got.Members == nil) != (tt.members == nil) || len(got.Members) != len(tt.members) {
			t.Errorf("%s arrives as %#v, %v", raw, got.Members, err)
		}
	}
}
