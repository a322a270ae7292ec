package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// What is no longer restarted is shown with the command that helps.
func TestAQuarantineIsShownWithItsRemedy(t *testing.T) {
	for state, want := range map[string]bool{"quarantined": true, "running": false, "restarting": false} {
		var out strings.Builder
		writePlugins(&out, false, admin.Plugins{Processes: []admin.Process{{Plugin: "acme", State: state, LastError: "exit status 3"}}})
		if got := strings.Contains(out.String(), "exit status 3; fix the cause, then run: aitunnel plugin restart acme"); got != want {
			t.Errorf("%s: %s", state, out.String())
		}
	}
}

func TestAdviceAboutWhatWasNotTested(t *testing.T) {
	site := daemon.Finding{Name: "minbalance", Skipped: true}
	settings := daemon.Finding{Name: "guide", Skipped: true, NeedsSettings: true}
	for _, tt := range []struct {
		all  []daemon.Finding
		want string
	}{
		{[]daemon.Finding{site}, "minbalance. Test it against its site with sdktest.Site, and accept this with --allow-untried"},
		{[]daemon.Finding{settings}, "guide. Give settings that are missing with --set or --config"},
		{[]daemon.Finding{site, settings}, "minbalance, guide. Give settings"},
	} {
		if err := untested(tt.all); err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, errFailed) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}
