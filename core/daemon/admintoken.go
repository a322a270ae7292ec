package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
)

// adminTokenName is the file of the state directory that holds the admin token
// of a configuration without one.
const adminTokenName = "admin-token"

// adminToken is the generated token. It is made when a configuration first needs it: one
// that sets its own leaves no second one behind.
type adminToken struct {
	mu    sync.Mutex
	token config.Secret // zero: there is none yet
}

// of returns the token of a state directory, a new one the first time.
func (t *adminToken) of(dir string) (config.Secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.token.IsZero() {
		return t.token, nil
	}
	if err := t.read(dir); err != nil || !t.token.IsZero() {
		return t.token, err
	}
	token := config.NewToken()
	if err := maybe.WriteFile(filepath.Join(dir, adminTokenName), []byte(token+"\n"), 0o600); err != nil {
		return t.token, fmt.Errorf("the admin token cannot be written: %w", err)
	}
	t.token = config.NewSecret(token)
	return t.token, nil
}

// read takes the token from its file, if there is one. It may be edited: what it says
// is the token from the next start on.
func (t *adminToken) read(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, adminTokenName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the admin token cannot be read: %w", err)
	}
	t.token = config.NewSecret(strings.TrimSpace(string(b)))
	return nil
}

// adminAccess returns how the running configuration guards the admin port. Files of
// the earlier program had no token, and scripts for it read without one.
func (d *Daemon) adminAccess() admin.Access {
	c := d.reloader.Running().Config
	a := admin.Access{Admin: c.Admin}
	if a.Token.IsZero() {
		var err error
		if a.Token, err = d.adminToken.of(d.options.StateDir); err != nil {
			d.log.Error(err.Error())
			a.Token = config.NewSecret(config.NewToken()) // nobody has it: the port stays closed
		}
		a.OpenReading = config.IsOld(c.Path)
	}
	return a
}

// needsAdminToken reports whether the port is on and the configuration has no token.
func (d *Daemon) needsAdminToken() bool {
	c := d.reloader.Running().Config.Admin
	return c.Listen != "" && c.Token.IsZero()
}

// makeAdminToken makes the file of the token, if it is needed.
func (d *Daemon) makeAdminToken() (err error) {
	if d.needsAdminToken() {
		_, err = d.adminToken.of(d.options.StateDir)
	}
	return err
}

// removeUnusedAdminToken removes a generated token that the configuration has replaced by
// its own: it opens nothing, and would be in backups.
func (d *Daemon) removeUnusedAdminToken() {
	if !d.reloader.Running().Config.Admin.Token.IsZero() {
		_ = os.Remove(filepath.Join(d.options.StateDir, adminTokenName)) // mostly there is none
	}
}

// adminTokenFile returns where the token is, if it is needed.
func (d *Daemon) adminTokenFile() string {
	if !d.needsAdminToken() || d.makeAdminToken() != nil {
		return ""
	}
	return filepath.Join(d.options.StateDir, adminTokenName)
}
