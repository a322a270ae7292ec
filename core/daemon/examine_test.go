package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

func TestACheckWithoutAResultIsNotAFailure(t *testing.T) {
	for _, tt := range []struct {
		err error
		ok  bool
	}{
		{errors.New("GET /v1/balance gave 401"), true},
		{fmt.Errorf("%w: the balance is missing", sdk.ErrInternal), true},
		{fmt.Errorf("%w: nil map", sdk.ErrPanic), false},
		{fmt.Errorf("%w: the process ended", sdk.ErrUnavailable), false},
	} {
		said, err := learnedNothing(t.Context(), tt.err)
		if tt.ok && (err != nil || !strings.Contains(said, tt.err.Error())) || !tt.ok && !errors.Is(err, tt.err) {
			t.Errorf("%v: %q, %v", tt.err, said, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := learnedNothing(over, over.Err()); err == nil {
		t.Error("a check that does not end is no failure")
	}
}

func TestVerdictsOfAPluginAreExamined(t *testing.T) {
	for rules, want := range map[string]Finding{
		"verdict \"x\" {\n  status = 403\n  means  = \"overloaded\"\n}\n": {Kind: "verdicts", Name: "acme", OK: true, Message: "1 valid"},
		"verdict \"x\" {\n  means = \"nonsense\"\n}\n":                    {Kind: "verdicts", Name: "acme", Message: "not valid: verdicts of plugin acme:"},
	} {
		got := examineVerdicts(sdk.Description{Name: "acme", Verdicts: rules})
		if got.Kind != want.Kind || got.Name != want.Name || got.OK != want.OK || !strings.HasPrefix(got.Message, want.Message) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
