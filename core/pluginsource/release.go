package pluginsource

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-version"
)

// The files of a release other than its archives.
const (
	sumsName      = "SHA256SUMS"
	signatureName = "SHA256SUMS.minisig"
)

// Release is one published version.
type Release struct {
	Version string // without a leading v; "" if unknown
	assets  []asset
	single  bool // one archive, which may be for another platform
	noSums  bool // it may have no checksums
}

// asset is one file of a release.
type asset struct {
	name string
	url  string
	path string // of a local file, in place of an address
}

// archiveSyntax matches aitunnel-plugin-NAME_VERSION_OS_ARCH.tar.gz.
var archiveSyntax = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(aitunnel-plugin-[A-Za-z0-9_-]+?)_v?([0-9][^_]*)_([a-z0-9]+)_([a-z0-9]+)\.(?:tar\.gz|zip)$`)
})

// platformOf returns the platform in the name of an archive, "" if there is none.
func platformOf(name string) string {
	if m := archiveSyntax().FindStringSubmatch(name); m != nil {
		return m[3] + "/" + m[4]
	}
	return ""
}

// IsArchive reports whether a source is the address of one archive.
func IsArchive(source string) bool { return strings.HasPrefix(source, "https://") }

// Releases returns the published versions of a source, the newest first, without drafts and
// prereleases.
func (c *Client) Releases(ctx context.Context, source string) ([]Release, error) {
	if IsArchive(source) {
		r, err := singleRelease(source)
		return []Release{r}, err
	}
	releases, err := c.gitHubReleases(ctx, source)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(releases, func(a, b Release) int { return compare(b.Version, a.Version) })
	return releases, nil
}

// singleRelease returns the archive at an address, with the checksums next to it.
func singleRelease(address string) (Release, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Release{}, fmt.Errorf("%q is not an address", address)
	}
	name := path.Base(u.Path)
	if !isArchiveName(name) {
		return Release{}, fmt.Errorf("%s is not the address of a .tar.gz or .zip archive", address)
	}
	r := Release{single: true, noSums: true, assets: []asset{{name: name, url: address}}}
	if m := archiveSyntax().FindStringSubmatch(name); m != nil {
		r.Version = m[2]
	}
	for _, file := range []string{sumsName, signatureName} {
		other := *u
		other.Path, other.RawPath = path.Join(path.Dir(u.Path), file), ""
		r.assets = append(r.assets, asset{name: file, url: other.String()})
	}
	return r, nil
}

// beside returns another file of the same place.
func (a asset) beside(name string) asset {
	if a.path != "" {
		return asset{name: name, path: filepath.Join(filepath.Dir(a.path), name)}
	}
	return asset{name: name, url: strings.TrimSuffix(a.url, a.name) + name}
}

func isArchiveName(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".zip")
}

// Choose returns the newest release that matches a constraint and an exact version. An
// empty one matches all.
func Choose(releases []Release, constraint, exact string) (Release, error) {
	if len(releases) == 0 {
		return Release{}, errors.New("there are no releases")
	}
	var allowed version.Constraints
	if constraint != "" {
		var err error
		if allowed, err = version.NewConstraint(constraint); err != nil {
			return Release{}, fmt.Errorf("%q is not a version constraint", constraint)
		}
	}
	for _, r := range releases {
		v, err := version.NewVersion(r.Version)
		switch {
		case exact != "" && strings.TrimPrefix(exact, "v") != r.Version:
		case allowed != nil && (err != nil || !allowed.Check(v)):
		default:
			return r, nil
		}
	}
	var known []string
	for _, r := range releases[:min(len(releases), 10)] {
		known = append(known, r.Version)
	}
	wanted := "version " + exact
	if exact == "" {
		wanted = fmt.Sprintf("a version that %q allows", constraint)
	}
	return Release{}, fmt.Errorf("%s is not published; available: %s", wanted, strings.Join(known, ", "))
}

// Newer reports whether version a is newer than b.
func Newer(a, b string) bool { return compare(a, b) > 0 }

func compare(a, b string) int {
	va, errA := version.NewVersion(a)
	vb, errB := version.NewVersion(b)
	if errA != nil || errB != nil {
		return strings.Compare(a, b)
	}
	return va.Compare(vb)
}

// archiveFor returns, for a single release, the archive of the same plugin and version for
// another platform, if the checksums list it.
func (r Release) archiveFor(platform string, sums map[string]string) (asset, error) {
	own := r.assets[0]
	m := archiveSyntax().FindStringSubmatch(own.name)
	for name := range sums {
		if other := archiveSyntax().FindStringSubmatch(name); platformOf(name) == platform && other[1] == m[1] && other[2] == m[2] {
			return own.beside(name), nil
		}
	}
	return asset{}, fmt.Errorf("the source is an archive for %s, and its %s lists none for %s: use an archive for this platform", platformOf(own.name), sumsName, platform)
}

// Plugin returns the name of the plugin, which is part of the name of the archive for a
// platform; "" if it is not.
func (r Release) Plugin(platform string) string {
	a, err := r.archive(platform)
	if r.single { // all archives are of the same plugin
		a, err = r.assets[0], nil
	}
	m := archiveSyntax().FindStringSubmatch(a.name)
	if err != nil || m == nil {
		return ""
	}
	return strings.TrimPrefix(m[1], "aitunnel-plugin-")
}

func (r Release) asset(name string) (asset, bool) {
	i := slices.IndexFunc(r.assets, func(a asset) bool { return a.name == name })
	if i < 0 {
		return asset{}, false
	}
	return r.assets[i], true
}

// archive returns the archive for a platform.
func (r Release) archive(platform string) (asset, error) {
	var have []string
	for _, a := range r.assets {
		p := platformOf(a.name)
		if r.single && a.name != sumsName && a.name != signatureName && (p == "" || p == platform) || p == platform {
			return a, nil
		}
		if p != "" {
			have = append(have, p)
		}
	}
	if len(have) == 0 {
		return asset{}, fmt.Errorf("the release has no archive named aitunnel-plugin-NAME_VERSION_OS_ARCH.tar.gz or .zip")
	}
	return asset{}, fmt.Errorf("the release has no archive for %s, only for %s", platform, strings.Join(have, ", "))
}
