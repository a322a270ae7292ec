package daemon

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
)

// adminTokenName is the file of the state directory that holds the admin token
// of a configuration without one.
const adminTokenName = "admin-token"

// loadAdminToken returns the generated token, a new one the first time. The
// file may be edited: what it says is the token from the next start on.
func loadAdminToken(dir string) (config.Secret, error) {
	path := filepath.Join(dir, adminTokenName)
	b, err := os.ReadFile(path)
	if token := strings.TrimSpace(string(b)); err == nil && token != "" {
		return config.NewSecret(token), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return config.Secret{}, fmt.Errorf("the admin token cannot be read: %w", err)
	}
	token := rand.Text()
	if err := maybe.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return config.Secret{}, fmt.Errorf("the admin token cannot be written: %w", err)
	}
	return config.NewSecret(token), nil
}

// adminAccess returns how the running configuration guards the admin port. Files of
// the earlier program had no token, and scripts for it read without one.
func (d *Daemon) adminAccess() admin.Access {
	c := d.reloader.Running().Config
	a := admin.Access{Admin: c.Admin}
	if a.Token.IsZero() {
		a.Token = d.adminToken
		a.OpenReading = config.IsOld(c.Path)
	}
	return a
}

// adminTokenFile returns where the token is, if the configuration has none and the
// port is on.
func (d *Daemon) adminTokenFile() string {
	c := d.reloader.Running().Config.Admin
	if c.Listen == "" || !c.Token.IsZero() {
		return ""
	}
	return filepath.Join(d.options.StateDir, adminTokenName)
}
