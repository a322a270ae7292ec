package config_test

import "testing"

func TestLoop(t *testing.T) {
	cfg, report := load(t, "locals {\n  keys = [for i in range(3) : format(\"key-%03d\", i)]\n}\nchannel \"a\" {\n  target = \"https://a.example\"\n  keys   = local.keys\n}\n", nil)
	if report.HasErrors() {
		t.Fatal(report.Lines())
	}
	if len(cfg.Channels[0].Keys) != 3 || cfg.Channels[0].Keys[2].Value.Plaintext() != "key-002" {
		t.Errorf("%+v", cfg.Channels[0].Keys)
	}
}
