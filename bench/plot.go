package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// line is a series of points, x and y, in order of x.
type line struct {
	name   string
	points [][2]float64
}

const (
	plotWidth, plotHeight = 640, 360
	plotLeft, plotBottom  = 64, 44
	plotTop, plotRight    = 40, 130
)

var plotColors = []string{"#2563eb", "#d97706", "#059669", "#dc2626"}

// plot draws lines over two logarithmic axes, as SVG.
func plot(title, xTitle string, lines []line) string {
	x, y := newAxis(lines, 0, plotLeft, plotWidth-plotRight), newAxis(lines, 1, plotHeight-plotBottom, plotTop)
	var b strings.Builder
	open(&b, title)
	for _, v := range x.ticks() {
		at := x.place(v)
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", at, plotTop, at, plotHeight-plotBottom, at, plotHeight-plotBottom+16, v)
	}
	for _, v := range y.ticks() {
		at := y.place(v)
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", plotLeft, at, plotWidth-plotRight, at, plotLeft-6, at+4, v)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-8, html.EscapeString(xTitle))
	for i, l := range lines {
		color := plotColors[i%len(plotColors)]
		var at []string
		for _, p := range l.points {
			at = append(at, fmt.Sprintf("%.1f,%.1f", x.place(p[0]), y.place(p[1])))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.place(p[0]), y.place(p[1]), color)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(at, " "), color)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", plotWidth-plotRight+10, plotTop+12+18*i, color, html.EscapeString(l.name))
	}
	return b.String() + "</svg>\n"
}

func open(b *strings.Builder, title string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(b, `<text x="%d" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", plotLeft, html.EscapeString(title))
}

// axis places values between two edges of a picture, by their logarithm.
type axis struct{ low, high, from, to float64 }

func newAxis(lines []line, part int, from, to float64) axis {
	a := axis{low: math.Inf(1), high: math.Inf(-1), from: from, to: to}
	for _, l := range lines {
		for _, p := range l.points {
			if v := p[part]; v > 0 {
				a.low, a.high = min(a.low, v), max(a.high, v)
			}
		}
	}
	if math.IsInf(a.low, 0) {
		a.low, a.high = 1, 10
	}
	a.low, a.high = math.Pow(10, math.Floor(math.Log10(a.low))), math.Pow(10, math.Ceil(math.Log10(a.high)))
	if a.low == a.high {
		a.high *= 10
	}
	return a
}

func (a axis) place(v float64) float64 {
	share := math.Log10(max(v, a.low)/a.low) / math.Log10(a.high/a.low)
	return a.from + share*(a.to-a.from)
}

func (a axis) ticks() (out []float64) {
	for v := a.low; v <= a.high*1.001; v *= 10 {
		out = append(out, v)
	}
	return out
}

// plotReport draws the CPU time of a request by each proxy as bars.
func plotReport(dir string, r *report) error {
	var b strings.Builder
	open(&b, "CPU µs per request")
	most := 1.0
	for _, one := range r.Results[1:] {
		most = max(most, one.CPU)
	}
	row := 0
	for _, one := range r.Results[1:] { // the first is the site
		if one.Skipped != "" {
			continue
		}
		y := plotTop + 8 + 26*row
		row++
		color := plotColors[0]
		if one.Name == "aitunnel" {
			color = plotColors[1]
		}
		fmt.Fprintf(&b, `<text x="150" y="%d" text-anchor="end">%s</text><rect x="158" y="%d" width="%.1f" height="16" fill="%s"/><text x="%.1f" y="%d">%.0f</text>`+"\n",
			y+12, html.EscapeString(one.Name), y, 400*one.CPU/most, color, 164+400*one.CPU/most, y+12, one.CPU)
	}
	return os.WriteFile(filepath.Join(dir, "cpu.svg"), []byte(b.String()+"</svg>\n"), 0o644)
}
