package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnitsOfFormerVersionsAreOutdated: also those that differ in nothing but their times,
// such as a stop of 630 seconds.
func TestUnitsOfFormerVersionsAreOutdated(t *testing.T) {
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
		if former := strings.ReplaceAll(text, formatLine, "aitunnel service file, format 3"); !isOutdated(former) {
			t.Errorf("%s of a former format is not outdated", path)
		}
	}
	b, err := os.ReadFile(filepath.Join("testdata", "former", "aitunnel.service"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); !strings.Contains(text, "TimeoutStopSec=630") || !isOutdated(text) {
		t.Errorf("it is not outdated:\n%s", text)
	}
}
