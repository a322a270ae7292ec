package wire

import (
	"fmt"
	"os"
	"path/filepath"
)

// RelayEnv, in the environment of a plugin's process, names another plugin that
// waits for a debugger: the process stands in for that one, which the host did
// not start, and leads the host to it.
const RelayEnv = "AITUNNEL_PLUGIN_RELAY"

// DebugSocket returns where the plugin of that name listens for a host when it is
// started by hand, to be debugged. Only the user can get at it.
func DebugSocket(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for a socket: %w", err)
	}
	dir = filepath.Join(dir, "aitunnel", "debug")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(dir, name+".sock"), nil
}
