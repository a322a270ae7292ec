package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/aitunnel/aitunnel/core/config/eval"
)

var repositorySyntax = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9.-]+\.[A-Za-z]+(:[0-9]+)?/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
})

// IsPath reports whether the source of a plugin is a file: it begins with ., /, ~ or a drive
// letter.
func IsPath(source string) bool {
	return strings.HasPrefix(source, ".") || strings.HasPrefix(source, "~") || strings.HasPrefix(source, "/") || filepath.IsAbs(source) || filepath.VolumeName(source) != ""
}

// CheckSource returns what is wrong with the source of a plugin: a path, the https
// address of an archive, or HOST/OWNER/REPOSITORY.
func CheckSource(source string) error {
	switch {
	case IsPath(source) || repositorySyntax().MatchString(source):
		return nil
	case strings.HasPrefix(source, "http://"):
		return fmt.Errorf("%q is not encrypted: use https", source)
	case strings.HasPrefix(source, "https://"):
		u, err := url.Parse(source)
		if err != nil || u.Host == "" || u.User != nil {
			return fmt.Errorf("%q is not the https address of an archive", source)
		}
		return nil
	}
	return fmt.Errorf("%q is not the source of a plugin: expected github.com/OWNER/REPOSITORY, an https address of an archive, or a path that begins with ./, / or ~", source)
}

// pluginSource checks a source, and resolves a path relative to the configuration.
func pluginSource(ev *eval.Evaluator, source string) (string, error) {
	if IsPath(source) && !strings.HasPrefix(source, "~") {
		path := ev.ResolvePath(source)
		if !IsPath(path) { // beside the configuration
			path = "." + string(filepath.Separator) + path
		}
		return path, nil
	}
	return source, CheckSource(source)
}

// checkSigningKey returns what is wrong with a public key of minisign.
func checkSigningKey(s string) error {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 42 || string(raw[:2]) != "Ed" {
		return errors.New("it is not a public key of minisign: expected the second line of the .pub file, such as \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"")
	}
	return nil
}
