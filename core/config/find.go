package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// FileName is the name of the configuration in the places where it is looked for.
const FileName = "aitunnel.hcl"

// oldFileName is the name of the earlier program's file.
const oldFileName = "tunnel.config.yaml"

// Find returns the path of the configuration to use: named, $AITUNNEL_CONFIG, ./aitunnel.hcl,
// or aitunnel/aitunnel.hcl in the user's configuration directory.
func Find(named string) (string, error) {
	if named == "" {
		named = os.Getenv("AITUNNEL_CONFIG")
	}
	if named != "" {
		if _, err := os.Stat(named); err != nil && !hclfile.IsPipe(named) {
			return "", fmt.Errorf("the configuration cannot be read: %w", fileaccess.Explain(named, err))
		}
		return named, nil
	}
	places := []string{FileName, filepath.Join(xdg.ConfigHome, "aitunnel", FileName)}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	if _, err := os.Stat(oldFileName); err == nil {
		return "", fmt.Errorf("there is no configuration, but %[1]s of the earlier program: run it as it is with --config %[1]s, or convert it with aitunnel init --from %[1]s", oldFileName)
	}
	return "", fmt.Errorf("there is no configuration: neither %s nor %s exists; write one with 'aitunnel init', or name one with --config", places[0], places[1])
}
