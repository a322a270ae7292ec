// Package paneltest tests the panel in a real Chromium, with a running
// daemon and fake sites. It is a module of its own, because the library that drives
// the browser is larger than the program.
package paneltest
