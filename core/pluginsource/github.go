package pluginsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// maxReleases is how many releases are listed.
const maxReleases = 100

type gitHubRelease struct {
	Tag        string `json:"tag_name"`
	Draft      bool   `json:"draft"`
	Prerelease bool   `json:"prerelease"`
	Assets     []struct {
		Name     string `json:"name"`
		URL      string `json:"url"` // in the API, which accepts a token
		Download string `json:"browser_download_url"`
	} `json:"assets"`
}

// gitHubReleases returns the releases of HOST/OWNER/REPOSITORY.
func (c *Client) gitHubReleases(ctx context.Context, source string) ([]Release, error) {
	host, repository, _ := strings.Cut(source, "/")
	text, err := c.get(ctx, fmt.Sprintf("%s/repos/%s/releases?per_page=%d", c.api(host), repository, maxReleases), "application/vnd.github+json", maxListing)
	var refused *statusError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		return nil, fmt.Errorf("there is no repository %s, or it is private: set GITHUB_TOKEN to read it", source)
	case errors.As(err, &refused) && (refused.status == http.StatusForbidden || refused.status == http.StatusTooManyRequests):
		return nil, fmt.Errorf("%s refused to list the releases of %s (status %d): set GITHUB_TOKEN, or try again later", host, repository, refused.status)
	case err != nil:
		return nil, fmt.Errorf("the releases of %s cannot be listed: %w", source, err)
	}
	var listed []gitHubRelease
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("the releases of %s cannot be listed: the answer is not one of the GitHub API", source)
	}
	var out []Release
	for _, l := range listed {
		if l.Draft || l.Prerelease {
			continue
		}
		r := Release{Version: strings.TrimPrefix(l.Tag, "v")}
		for _, a := range l.Assets {
			address := a.Download
			if c.Token != "" {
				address = a.URL
			}
			r.assets = append(r.assets, asset{name: a.Name, url: address})
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has published no releases", source)
	}
	return out, nil
}

// api returns the base URL of the API of a host.
func (c *Client) api(host string) string {
	switch {
	case c.API != "":
		return strings.TrimSuffix(c.API, "/")
	case host == "github.com":
		return "https://api.github.com"
	}
	return "https://" + host + "/api/v3" // GitHub Enterprise
}
