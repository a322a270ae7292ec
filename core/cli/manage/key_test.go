package manage

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// TestKeyListShowsLimitsOfSingleModels in the state of a key.
func TestKeyListShowsLimitsOfSingleModels(t *testing.T) {
	until := time.Now().Add(90 * time.Second)
	limited := admin.Restriction{Model: "gpt-5", State: string(channel.SkipRateLimited), Reason: "too many tokens", Until: &until}
	other := admin.Restriction{Model: "o3", State: string(channel.SkipNoAccess), Until: &until}
	for name, tt := range map[string]struct {
		restricted []admin.Restriction
		want       string
	}{
		"none":       {nil, `one +ready +- +0 +0 +-`},
		"one model":  {[]admin.Restriction{limited}, `ready, except for gpt-5 .*gpt-5: rate limited for 1m (30|29|28)s: too many tokens`},
		"two models": {[]admin.Restriction{limited, other}, `ready, except for 2 models .*gpt-5: rate limited .*; o3: no access .*for 1m`},
	} {
		var out bytes.Buffer
		a := &app{Env: &command.Env{Out: &out}}
		table := a.keyTable()
		addKeys(table, a.Paint(), admin.Channel{Keys: admin.Keys{List: []admin.Key{{ID: "one", Label: "one", State: channel.KeyReady, Restricted: tt.restricted}}}})
		if err := table.Write(&out); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(tt.want).MatchString(out.String()) {
			t.Errorf("%s:\n%s", name, &out)
		}
	}
}
