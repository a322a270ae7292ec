package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aitunnel/aitunnel/core/trust"
)

// socketDirName is how go-plugin names the directories it makes.
const socketDirName = "plugin-dir*"

// maxSocketDir leaves room for the names that go-plugin appends: the path of a
// socket takes no more than 104 bytes on some systems.
const maxSocketDir = 60

// prepareSocketDir makes the parent of the processes' private directories, and
// sweeps what a killed host left there. Directories of a host that runs beside
// this one are younger than age, as they are gone once a plugin is connected.
func prepareSocketDir(dir string, age time.Duration) (string, error) {
	if dir == "" || len(dir) > maxSocketDir {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("aitunnel-%d", os.Getuid()))
	}
	if err := trust.PrivateDir(dir); err != nil {
		return "", fmt.Errorf("the directory for plugin sockets: %w", err)
	}
	stale, err := filepath.Glob(filepath.Join(dir, socketDirName))
	if err != nil {
		return "", fmt.Errorf("sweeping %s: %w", dir, err)
	}
	for _, path := range stale {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > age {
			_ = os.RemoveAll(path) // another host may be sweeping too
		}
	}
	return dir, nil
}
