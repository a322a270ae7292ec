//go:build unix

package pluginhost

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestThirdParty(t *testing.T) {
	path := script(t, "good")
	t.Setenv("AITUNNEL_PLUGIN_DIR", filepath.Dir(path))
	timing := quick
	timing.KeepUnused = 200 * time.Millisecond
	r := newRig(t, timing, serveAs("good")...)
	r.lock("acme", path)
	for _, ref := range []string{"acme/order", "acme"} {
		kind := sdk.KindStrategy
		if ref == "acme" {
			kind = sdk.KindKeySelector // it has only one of this kind
		}
		got, err := r.Component(t.Context(), kind, ref, nil)
		if err != nil || got.Plugin != "acme" {
			t.Errorf("%s: %+v, %v", ref, got, err)
		}
	}
	_, err := r.Component(t.Context(), sdk.KindStrategy, "acme/nothing", nil)
	var unknown *config.UnknownComponentError
	if !errors.As(err, &unknown) || strings.Join(unknown.Known, " ") != "acme/order acme/router order router" {
		t.Errorf("%v", err)
	}
	if _, err := r.Component(t.Context(), sdk.KindStrategy, "acme", &config.Plugin{Name: "acme"}); err == nil {
		t.Error("a plugin with two strategies was accepted without a component name")
	}
	// Without instances it is stopped.
	testhelp.Eventually(t, "the idle process has stopped", func() bool {
		for _, p := range r.List() {
			if p.Name == "acme" && p.State == StateStopped {
				return true
			}
		}
		return false
	})
	i, err := r.Open(t.Context(), &config.Component{Kind: sdk.KindStrategy, Plugin: "acme", Name: "order"}, nil, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan(t, i, ""); err != nil {
		t.Error(err)
	}
}

func TestVersionConstraint(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	path := r.lock("acme", script(t, "good"))
	for constraint, want := range map[string]string{
		">= 1.2, < 2.0": "",
		">= 2.0":        `version is 1.4.0, but the configuration requires ">= 2.0"`,
		"newest":        "not a version constraint",
	} {
		block := &config.Plugin{Name: "acme", Path: path, Version: constraint}
		_, err := r.Component(t.Context(), sdk.KindStrategy, "acme/order", block)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", constraint, err)
		}
	}
}

// TestPluginDirectories puts an executable where it must not be found, and then in each
// directory that is searched, from the last to the first.
func TestPluginDirectories(t *testing.T) {
	data, env, work := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("AITUNNEL_PLUGIN_DIR", "")
	t.Setenv("PATH", work)
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	t.Chdir(work)
	r := newRig(t, quick, serveAs("good")...)
	install := func(dir string) string {
		t.Helper()
		path := filepath.Join(dir, "aitunnel-plugin-acme")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	install(work)
	if _, err := r.find("acme", ""); !errors.Is(err, errNotInstalled) || !strings.Contains(err.Error(), data) {
		t.Errorf("%v", err)
	}
	t.Setenv("AITUNNEL_PLUGIN_DIR", ".")
	if _, err := r.find("acme", ""); !errors.Is(err, errNotInstalled) {
		t.Errorf("a relative directory: %v", err)
	}
	t.Setenv("AITUNNEL_PLUGIN_DIR", env)
	for _, dir := range []string{filepath.Join(data, "aitunnel", "plugins"), filepath.Join(r.configDir, ".aitunnel", "plugins"), env} {
		want := install(dir)
		if got, err := r.find("acme", ""); err != nil || got != want {
			t.Errorf("got %s, want %s: %v", got, want, err)
		}
	}
	want := install(filepath.Join(r.configDir, "bin"))
	if got, err := r.find("acme", "bin/aitunnel-plugin-acme"); err != nil || got != want {
		t.Errorf("a path relative to the configuration: %s, %v", got, err)
	}
	if err := os.Chmod(want, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.find("acme", want); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("%v", err)
	}
	if _, err := r.find("acme", work); err == nil {
		t.Error("a directory was accepted as an executable")
	}
}
