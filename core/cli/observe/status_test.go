package observe

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// TestAQuarantineIsShownWithItsRemedy: the command that starts the plugin again.
func TestAQuarantineIsShownWithItsRemedy(t *testing.T) {
	for state, want := range map[string]bool{"quarantined": true, "running": false, "restarting": false} {
		var out strings.Builder
		writePlugins(&out, false, admin.Plugins{Processes: []admin.Process{{Plugin: "acme", State: state, LastError: "exit status 3"}}})
		if got := strings.Contains(out.String(), "exit status 3; fix the cause, then run: aitunnel plugin restart acme"); got != want {
			t.Errorf("%s: %s", state, out.String())
		}
	}
}

// TestANewVersionThatIsNotReadyIsShown with the version that is used until then.
func TestANewVersionThatIsNotReadyIsShown(t *testing.T) {
	var out strings.Builder
	writePlugins(&out, false, admin.Plugins{Processes: []admin.Process{
		{Plugin: "acme", Version: "1.2.0", State: "running", PID: 7}, {Plugin: "acme", Version: "1.5.0", State: "starting"}, {Plugin: "other", Version: "1.0.0", State: "starting"},
	}})
	for _, want := range []string{`acme +1\.5\.0 +starting .*version 1\.2\.0 is used until it is ready`, `other +1\.0\.0 +starting .*not ready yet`} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("want %s:\n%s", want, out.String())
		}
	}
}
