package wire

import (
	"fmt"
	"os"
	"path/filepath"
)

// RelayEnv, in the environment of a plugin's process, names another plugin, which was
// started by hand for debugging: this process takes its place, and tells the host the
// address of the other.
const RelayEnv = "AITUNNEL_PLUGIN_RELAY"

// DebugSocket returns the socket on which a plugin that was started by hand for debugging
// waits for a host. Only the user can access it.
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
