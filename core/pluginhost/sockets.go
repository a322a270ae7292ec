package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/trust"
)

// socketDirPrefix is the prefix of the names of directories that go-plugin creates.
const socketDirPrefix = "plugin-dir"

// maxSocketDir leaves room for the names that go-plugin appends: on some systems the path of
// a socket has at most 104 bytes.
const maxSocketDir = 60

// isSocketDir reports whether a directory can have the sockets of plugins.
func isSocketDir(dir string) bool {
	return dir != "" && len(dir) <= maxSocketDir && !strings.ContainsAny(dir, "|\r\n")
}

// prepareSocketDir creates the parent of the processes' private directories, and removes
// those that a killed host left behind. Directories of another running host are newer than
// age, since each is removed once its plugin is connected. The handshake does not allow
// paths with "|" or a line break.
func prepareSocketDir(dir string, age time.Duration) (string, error) {
	if !isSocketDir(dir) {
		name := fmt.Sprintf("aitunnel-%d", os.Getuid())
		if dir = filepath.Join(os.TempDir(), name); !isSocketDir(dir) && runtime.GOOS != "windows" {
			dir = filepath.Join("/tmp", name)
		}
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
			_ = os.RemoveAll(filepath.Join(dir, entry.Name())) // another host may already have removed it
		}
	}
	return dir, nil
}
