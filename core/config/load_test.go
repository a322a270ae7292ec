package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/eval"
)

func TestMain(m *testing.M) {
	eval.RunEvaluator()
	os.Exit(m.Run())
}

const oneChannel = "channel \"a\" {\n  target = \"https://a.example\"\n  keys   = [\"key-1\"]\n}\n"

func loadAlone(t *testing.T, text string, env map[string]string) (*config.Config, config.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(env)})
}

// A loop is evaluated in another process first: this test binary.
func TestLoopsWithinTheBoundsWork(t *testing.T) {
	cfg, report := loadAlone(t, "locals {\n  keys = [for i in range(3) : format(\"key-%03d\", i)]\n}\nchannel \"a\" {\n  target = \"https://a.example\"\n  keys   = local.keys\n}\n", nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	if len(cfg.Channels[0].Keys) != 3 || cfg.Channels[0].Keys[2].Value.Plaintext() != "key-002" {
		t.Errorf("%+v", cfg.Channels[0].Keys)
	}
}
