package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"
)

// filePrefix is the prefix of the names of plugin executables.
const filePrefix = "aitunnel-plugin-"

// FileName returns the file name of a plugin's executable.
func FileName(name string) string {
	if runtime.GOOS == "windows" {
		return filePrefix + name + ".exe"
	}
	return filePrefix + name
}

// configDir returns the directory of the configuration, which contains the lock file.
func configDir(path string) string {
	if info, err := os.Stat(path); path == "" || err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// pluginDirs returns the directories to search for executables, in order. They do not
// include the working directory and PATH, where any program may be.
func pluginDirs(configDir string) []string {
	var dirs []string
	if dir := os.Getenv("AITUNNEL_PLUGIN_DIR"); filepath.IsAbs(dir) {
		dirs = append(dirs, dir)
	}
	if configDir != "" {
		dirs = append(dirs, filepath.Join(configDir, ".aitunnel", "plugins"))
	}
	return append(dirs, filepath.Join(xdg.DataHome, "aitunnel", "plugins"))
}

var errNotInstalled = errors.New("not installed")

// find returns the absolute path of a plugin's executable. A relative path is relative to
// the directory of the configuration.
func (h *Host) find(name, path string) (string, error) {
	if path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(h.configDir, path)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		return path, checkExecutable(path)
	}
	file := FileName(name)
	dirs := pluginDirs(h.configDir)
	for _, dir := range dirs {
		path, err := filepath.Abs(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		if err := checkExecutable(path); !errors.Is(err, os.ErrNotExist) {
			return path, err
		}
	}
	return "", h.notInstalled(name, file, strings.Join(dirs, ", "))
}

func checkExecutable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("plugin executable: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("plugin executable %s is not a file", path)
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return fmt.Errorf("plugin executable %s is not executable: run chmod +x", path)
	}
	return nil
}
