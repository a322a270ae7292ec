// Package paneltest tests the panel in a real Chromium, before a running
// daemon and fake sites. It is a module of its own, because what drives the
// browser is larger than the program.
package paneltest
