package plugins

import (
	"errors"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/daemon"
)

// TestUntestedComponentsAreNamed, with the flags that give their settings. This is not a failure
// of the plugin.
func TestUntestedComponentsAreNamed(t *testing.T) {
	err := untested([]daemon.Finding{{Name: "plain", OK: true}, {Name: "guide", Skipped: true}, {Name: "other", Skipped: true}})
	if err == nil || !strings.Contains(err.Error(), "guide, other. Give settings that are missing with --set or --config") || errors.Is(err, errFailed) {
		t.Error(err)
	}
}
