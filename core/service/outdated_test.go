package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnitsOfEarlierVersionsAreOutdated, also one that differs only in its time for a stop.
func TestUnitsOfEarlierVersionsAreOutdated(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.service"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if isOutdated(text) {
			t.Errorf("%s, of this version, is outdated", path)
		}
		if earlier := strings.ReplaceAll(text, formatLine, "aitunnel service file, format 3"); !isOutdated(earlier) {
			t.Errorf("%s, in an earlier format, is not outdated", path)
		}
	}
	b, err := os.ReadFile(filepath.Join("testdata", "earlier", "aitunnel.service"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); !strings.Contains(text, "TimeoutStopSec=630") || !isOutdated(text) {
		t.Errorf("the earlier unit is not outdated:\n%s", text)
	}
}
