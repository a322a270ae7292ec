package hclfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// Files returns the files of the configuration at path, in the order in which they
// are read.
func Files(path string) ([]string, error) {
	if IsPipe(path) {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	files, err := directory(path)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("the directory %s has no *.hcl file", path)
	}
	return files, err
}

// directory returns the configuration files in a directory.
func directory(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	err = fileaccess.Explain(path, err)
	var files []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, ".hcl") && !strings.HasSuffix(name, ".lock.hcl") && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(path, name))
		}
	}
	return files, err
}

// Sum returns a checksum: for a file, of its content and of whether other accounts can
// read it, since the configuration warns of that; for a directory, of its list of
// configuration files. It is "" for a missing or empty file.
func Sum(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if info.IsDir() {
		files, _ := directory(path)
		return SumText([]byte(strings.Join(files, "\n")))
	}
	content, err := ReadRegular(path, MaxText)
	if err != nil {
		return unreadable(info)
	}
	return SumContent(path, content)
}

// SumContent is [Sum] of a file with that content.
func SumContent(path string, content []byte) string {
	out := SumText(content)
	if info, err := os.Stat(path); err == nil && out != "" && IsShared(info) {
		out += " shared"
	}
	return out
}

// IsShared reports whether other accounts can read a file.
func IsShared(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&0o077 != 0
}

// unreadable returns the sum of a pipe, a device or a file that is too large, whose content is
// not read.
func unreadable(info os.FileInfo) string {
	return fmt.Sprintf("%s %d %s", info.Mode().Type(), info.Size(), info.ModTime())
}

// SumText returns the checksum of a text, "" if it is empty.
func SumText(text []byte) string {
	if len(bytes.TrimSpace(text)) == 0 {
		return ""
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}
