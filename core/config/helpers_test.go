package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/eval"
)

// TestMain lets this binary evaluate loops in a process of its own, as the program does.
func TestMain(m *testing.M) {
	eval.RunEvaluator()
	os.Exit(m.Run())
}

const oneChannel = "channel \"a\" {\n  target = \"https://a.example\"\n  keys   = [\"key-1\"]\n}\n"

// load loads a configuration that may use the built-in components and these environment variables.
func load(t testing.TB, text string, env map[string]string) (*config.Config, config.Report) {
	t.Helper()
	return loadWith(t, config.Options{Catalog: builtins{}, Getenv: lookup(env)}, text)
}

// loadWith writes a configuration to the path of the options, or to a new directory if there is none,
// and loads it.
func loadWith(t testing.TB, o config.Options, text string) (*config.Config, config.Report) {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), config.FileName)
	}
	if err := os.WriteFile(o.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(t.Context(), o)
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}
