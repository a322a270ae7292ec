package config

import (
	"strings"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/hashicorp/hcl/v2"
)

// forms convert a string that is not the default to the form that the program uses, or return
// what is wrong with it.
var forms = map[string]func(ev *eval.Evaluator, s string) (string, error){
	"address":            func(_ *eval.Evaluator, s string) (string, error) { return s, checkAddress(s) },
	"address or empty":   addressOrEmpty,
	"SHA-256":            checkHash,
	"time zone":          checkZone,
	"hours":              checkHours,
	"file":               func(ev *eval.Evaluator, s string) (string, error) { return ev.ResolvePath(s), nil },
	"file at home":       func(ev *eval.Evaluator, s string) (string, error) { return resolveUnlessHome(ev, s), nil },
	"host key":           func(_ *eval.Evaluator, s string) (string, error) { return s, checkHostKey(s) },
	"jump hosts":         func(_ *eval.Evaluator, s string) (string, error) { return s, checkJumps(s) },
	"SSH host":           func(_ *eval.Evaluator, s string) (string, error) { return s, checkHost(s) },
	"minisign key":       func(_ *eval.Evaluator, s string) (string, error) { return s, checkSigningKey(s) },
	"plugin source":      pluginSource,
	"version constraint": func(_ *eval.Evaluator, s string) (string, error) { return s, checkConstraint(s) },
}

func addressOrEmpty(_ *eval.Evaluator, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return s, checkAddress(s)
}

// resolveUnlessHome resolves a path, except one in the home directory, which is resolved when
// the file is used.
func resolveUnlessHome(ev *eval.Evaluator, path string) string {
	if path == "" || path == "~" || strings.HasPrefix(path, "~/") {
		return path
	}
	return ev.ResolvePath(path)
}

// types are the types of settings that only this package knows.
var types = &block.Types{Forms: forms, Decode: decodeOwn}

// decodeOwn reads a setting of one of these types.
func decodeOwn(r *block.Reader, s block.Setting, into any) bool {
	switch into := into.(type) {
	case *Backoff:
		r.String(s, (*string)(into))
	case *Concurrent:
		concurrent(r, s.Name, into, 1000000)
	case *[]int:
		statuses(r, s.Name, into)
	case *Secret:
		if text, ok := r.SecretText(s.Name); ok {
			*into = NewSecret(text)
		}
	case *[]Secret:
		*into, _ = secretList(r, s.Name)
	case *map[string]Secret:
		if texts, ok := r.SecretMap(s.Name); ok {
			*into = map[string]Secret{}
			for name, text := range texts {
				(*into)[name] = NewSecret(text)
			}
		}
	default:
		return false
	}
	return true
}

// secretList reads a list of credentials; each comes with its range.
func secretList(r *block.Reader, name string) (values []Secret, ranges []hcl.Range) {
	texts, ranges := r.SecretTexts(name, CheckCredential)
	for _, text := range texts {
		values = append(values, NewSecret(text))
	}
	return values, ranges
}
