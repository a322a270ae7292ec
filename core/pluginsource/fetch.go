package pluginsource

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/jedisct1/go-minisign"
)

// Expected says what a release has to match.
type Expected struct {
	Platform   string            // such as "linux/amd64"
	SigningKey string            // public key of minisign; "": no signature is required
	Archives   map[string]string // locked checksums of this version, by platform; may be nil
}

// Download is a release that was downloaded and checked.
type Download struct {
	Executable string            // path
	Archives   map[string]string // checksums of the archives, by platform
}

// Fetch gets the archive for a platform, checks it, and extracts its executable to dir.
// After an error it leaves no files in dir.
func (c *Client) Fetch(ctx context.Context, r Release, want Expected, dir string) (*Download, error) {
	archive, missing := r.archive(want.Platform)
	if missing != nil && !r.single {
		return nil, missing
	}
	sums, err := c.sums(ctx, r, want.SigningKey)
	if err == nil && missing != nil {
		archive, err = r.archiveFor(want.Platform, sums)
	}
	if err != nil {
		return nil, err
	}
	listed, ok := sums[archive.name]
	if !ok && sums != nil {
		return nil, fmt.Errorf("%s does not list %s", sumsName, archive.name)
	}
	if locked := want.Archives[want.Platform]; locked != "" && ok && locked != listed {
		return nil, changedError(archive.name, listed, locked)
	}
	path := filepath.Join(dir, "archive")
	defer func() { _ = os.Remove(path) }()
	sum, err := c.save(ctx, archive, path)
	if err != nil {
		return nil, archive.unavailable(err)
	}
	if ok && sum != listed {
		return nil, fmt.Errorf("%s is not the file that its author published: its sha256 is %s…, but %s says %s…", archive.name, sum[:12], sumsName, listed[:12])
	}
	if locked := want.Archives[want.Platform]; locked != "" && locked != sum {
		return nil, changedError(archive.name, sum, locked)
	}
	out := &Download{Archives: map[string]string{want.Platform: sum}}
	for name, listed := range sums {
		if p := platformOf(name); p != "" {
			out.Archives[p] = listed
		}
	}
	out.Executable, err = extract(path, archive.name, dir)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", archive.name, err)
	}
	return out, nil
}

func changedError(name, now, locked string) error {
	return fmt.Errorf("%s has changed since it was locked: its sha256 is %s…, but the lock file has %s…; ask its author why, and install another version", name, now[:12], locked[:12])
}

// save downloads a file and returns its checksum. An interrupted download is repeated.
func (c *Client) save(ctx context.Context, a asset, path string) (sum string, err error) {
	for try := 1; ; try++ {
		sum, err = c.saveOnce(ctx, a, path)
		var status *statusError
		if err == nil || try == maxTries || ctx.Err() != nil || errors.As(err, &status) || !errors.Is(err, io.ErrUnexpectedEOF) {
			return sum, err
		}
	}
}

func (c *Client) saveOnce(ctx context.Context, a asset, path string) (sum string, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = c.read(ctx, a, maxArchive, io.MultiWriter(f, h))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// sums returns the checksums of a release, and verifies their signature if key is set. It
// returns nil for a release without checksums that may have none.
func (c *Client) sums(ctx context.Context, r Release, key string) (map[string]string, error) {
	text, err := c.getFile(ctx, r, sumsName)
	if err != nil {
		return nil, err
	}
	if text == nil {
		if key != "" || !r.noSums {
			return nil, fmt.Errorf("the release has no file %s", sumsName)
		}
		return nil, nil
	}
	if key != "" {
		signature, err := c.getFile(ctx, r, signatureName)
		if err == nil && signature == nil {
			err = fmt.Errorf("the release is not signed: it has no file %s, but signing_key is set", signatureName)
		}
		if err == nil {
			err = verify(key, text, signature)
		}
		if err != nil {
			return nil, err
		}
	}
	return parseSums(text)
}

// getFile returns a file of a release, nil if the release does not have it.
func (c *Client) getFile(ctx context.Context, r Release, name string) ([]byte, error) {
	a, ok := r.asset(name)
	if !ok {
		return nil, nil
	}
	var text bytes.Buffer
	err := c.read(ctx, a, maxSums, &text)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, a.unavailable(err)
	}
	return text.Bytes(), nil
}

func verify(key string, text, signature []byte) error {
	public, err := minisign.NewPublicKey(key)
	if err != nil {
		return fmt.Errorf("signing_key is not a public key of minisign: %w", err)
	}
	s, err := minisign.DecodeSignature(string(signature))
	if err != nil {
		return fmt.Errorf("%s is damaged: %w", signatureName, err)
	}
	if s.KeyId != public.KeyId {
		return fmt.Errorf("%s is signed with another key than signing_key: do not use it unless its author confirms the new key", sumsName)
	}
	if ok, err := public.Verify(text, s); err != nil || !ok {
		return fmt.Errorf("the signature of %s is wrong: the file has changed since its author signed it", sumsName)
	}
	return nil
}

var sumLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9a-fA-F]{64}) [ *](\S.*)$`) })

func parseSums(text []byte) (map[string]string, error) {
	out := map[string]string{}
	for line := range bytes.Lines(text) {
		l := strings.TrimRight(string(line), "\r\n")
		if l == "" {
			continue
		}
		m := sumLine().FindStringSubmatch(l)
		if m == nil {
			return nil, fmt.Errorf("%s is damaged: %.60q is not a checksum with a file name", sumsName, l)
		}
		out[m[2]] = strings.ToLower(m[1])
	}
	return out, nil
}
