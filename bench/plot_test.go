package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pictures are well-formed, and have each point.
func TestPlotsAreWellFormed(t *testing.T) {
	var points []growthPoint
	for _, c := range growthChannels {
		for _, k := range growthKeys {
			points = append(points, growthPoint{Channels: c, Keys: k, CPU: 80 + float64(c)/100, Idle: 30 + float64(c*k)/500, Reload: float64(c)})
		}
	}
	dir := t.TempDir()
	if err := plotGrowth(dir, points); err != nil {
		t.Fatal(err)
	}
	if err := plotReport(dir, &report{Results: []result{{Name: "site"}, {Name: "nethttp", CPU: 90}, {Name: "aitunnel", CPU: 80}, {Name: "nginx", Skipped: "missing"}}}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"growth-cpu.svg": 12, "growth-memory.svg": 12, "growth-reload.svg": 12, "cpu.svg": 0} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		d, circles := xml.NewDecoder(strings.NewReader(string(text))), 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
				circles++
			}
		}
		if circles != want || strings.Contains(string(text), "NaN") {
			t.Errorf("%s: %d points, want %d", file, circles, want)
		}
	}
}
