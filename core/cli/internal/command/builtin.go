package command

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// Builtin returns the plugin of the components that come with the program.
func Builtin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name:       "builtin",
		Version:    version,
		Doc:        "The components that come with aitunnel.",
		Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components()),
	}
}

// BuiltinArg makes the program serve its built-in components as a plugin.
const BuiltinArg = "serve-builtin-components"

// BuiltinCommand returns the command line of the process for built-in components: this
// program. On Linux that is the running executable, even if the file has been replaced
// since.
func BuiltinCommand() ([]string, error) {
	if runtime.GOOS == "linux" {
		return []string{"/proc/self/exe", BuiltinArg}, nil
	}
	self, err := os.Executable()
	return []string{self, BuiltinArg}, err
}

// Program is the path with which this program was started. Links are not resolved:
// after an upgrade the path leads to the new version, not to a renamed old file.
var Program = programPath()

func programPath() string {
	path, err := exec.LookPath(os.Args[0])
	if err == nil || errors.Is(err, exec.ErrDot) {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		path, _ = os.Executable() // the name it was started with is not a path
	}
	return path
}
