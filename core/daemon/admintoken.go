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

// adminTokenName is the file in the state directory that contains the admin token, if
// the configuration sets none.
const adminTokenName = "admin-token"

// adminToken is the generated token. It is created when a configuration first needs
// it, so none is left behind by configurations that set their own.
type adminToken struct {
	mu    sync.Mutex
	token config.Secret // zero: not created yet
}

// of returns the token in a state directory, and creates it the first time.
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

// read reads the token from its file, if there is one. Users may edit the file; the
// change applies at the next start.
func (t *adminToken) read(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, adminTokenName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the admin token cannot be read: %w", err)
	}
	t.token = config.NewSecret(strings.TrimSpace(string(b)))
	return nil
}

// adminAccess returns how the running configuration protects the admin port. Files of
// the earlier program had no token, and its scripts read without one.
func (d *Daemon) adminAccess() admin.Access {
	c := d.reloader.Running().Config
	a := admin.Access{Admin: c.Admin}
	if a.Token.IsZero() {
		var err error
		if a.Token, err = d.adminToken.of(d.options.StateDir); err != nil {
			d.log.Error(err.Error())
			a.Token = config.NewSecret(config.NewToken()) // unknown to all, so the port stays closed
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

// makeAdminToken creates the file of the token if it is needed.
func (d *Daemon) makeAdminToken() (err error) {
	if d.needsAdminToken() {
		_, err = d.adminToken.of(d.options.StateDir)
	}
	return err
}

// removeUnusedAdminToken removes a generated token once the configuration sets its
// own: it is of no use, and would end up in backups.
func (d *Daemon) removeUnusedAdminToken() {
	if !d.reloader.Running().Config.Admin.Token.IsZero() {
		_ = os.Remove(filepath.Join(d.options.StateDir, adminTokenName)) // usually there is none
	}
}

// adminTokenFile returns the path of the token's file, "" if it is not needed.
func (d *Daemon) adminTokenFile() string {
	if !d.needsAdminToken() || d.makeAdminToken() != nil {
		return ""
	}
	return filepath.Join(d.options.StateDir, adminTokenName)
}
