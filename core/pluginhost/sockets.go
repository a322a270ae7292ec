package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/trust"
)

// socketDirPrefix begins the names of the directories that go-plugin makes.
const socketDirPrefix = "plugin-dir"

// maxSocketDir leaves room for the names that go-plugin appends: the path of a
// socket takes no more than 104 bytes on some systems.
const maxSocketDir = 60

// prepareSocketDir makes the parent of the processes' private directories, and
// removes what a killed host left there. Directories of a host that runs at the
// same time are younger than age: each is removed once its plugin is connected.
// The handshake cannot carry a path with a "|" or a line break.
func prepareSocketDir(dir string, age time.Duration) (string, error) {
	if dir == "" || len(dir) > maxSocketDir || strings.ContainsAny(dir, "|\r\n") {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("aitunnel-%d", os.Getuid()))
	}
	if err := trust.PrivateDir(dir); err != nil {
		return "", fmt.Errorf("the directory for plugin sockets: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("the directory for plugin sockets: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), socketDirPrefix) && time.Since(info.ModTime()) > age {
			_ = os.RemoveAll(filepath.Join(dir, entry.Name())) // another host may have removed it
		}
	}
	return dir, nil
}
