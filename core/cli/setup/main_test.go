package setup

import (
	"os"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/sdk"
)

// TestMain makes the test binary run as the two child processes of the program: the evaluator
// and the process of built-in components.
func TestMain(m *testing.M) {
	eval.RunEvaluator()
	if len(os.Args) == 2 && os.Args[1] == command.BuiltinArg {
		sdk.Serve(command.Builtin("0.0.0"))
		return
	}
	os.Exit(m.Run())
}
