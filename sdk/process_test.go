package sdk_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/sdk"
)

// The test binary is also a plugin that is started by hand.
func TestMain(m *testing.M) {
	switch os.Getenv("SDK_TEST_ROLE") {
	case "plugin":
		sdk.Serve(testPlugin(new(atomic.Int32), nil))
		return
	case "broken plugin":
		sdk.Serve(sdk.Plugin{Name: "broken", Version: "1.0.0"})
		return
	}
	if os.Getenv("SDK_TEST_ROLE") == "host" {
		fmt.Println(runHost())
		return
	}
	goleak.VerifyTestMain(m)
}

func TestStartedByHand(t *testing.T) {
	for _, test := range []struct{ role, cookie, want string }{
		{"plugin", "", `test 1.2.3 is a plugin, which aitunnel starts itself: use it in the configuration, and add a plugin "test" block if it needs settings`},
		{"broken plugin", "AITUNNEL_PLUGIN=c0a5f7de-plans-not-choices", `the plugin "broken" cannot be served: the plugin has no components and no verdicts`},
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SDK_TEST_ROLE="+test.role, "GORACE=atexit_sleep_ms=0", test.cookie)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || strings.TrimSpace(string(out)) != test.want {
			t.Errorf("%s: %v\n%s", test.role, err, out)
		}
	}
}
