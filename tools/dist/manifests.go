package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"text/template"
)

//go:embed package/aitunnel.rb
var formulaText string

//go:embed package/install.sh
var installerText string

// manifests adds the manifests, the installer and the list of components to the archives.
func (r *release) manifests(files map[string][]byte) error {
	data := map[string]any{"Version": r.version, "URL": downloads + r.version, "Archives": archives(files)}
	for name, text := range map[string]string{"aitunnel.rb": formulaText, "install.sh": installerText} {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, data); err != nil {
			return err
		}
		files[name] = out.Bytes()
	}
	scoop, err := r.scoop(files)
	if err != nil {
		return err
	}
	files["aitunnel.json"] = scoop
	list, err := r.components()
	if err != nil {
		return err
	}
	files["aitunnel-"+r.version+".cdx.json"] = list
	return nil
}

type archived struct{ Name, SHA256 string }

// archives returns those of the platforms, with keys such as darwin_arm64.
func archives(files map[string][]byte) map[string]*archived {
	out := map[string]*archived{}
	for _, p := range platforms {
		for name, content := range files {
			if strings.Contains(name, "-"+strings.ReplaceAll(p, "/", "-")+".") {
				out[strings.ReplaceAll(p, "/", "_")] = &archived{name, fmt.Sprintf("%x", sha256.Sum256(content))}
			}
		}
	}
	return out
}

// scoop returns the manifest for Scoop on Windows.
func (r *release) scoop(files map[string][]byte) ([]byte, error) {
	type download struct {
		URL  string `json:"url"`
		Hash string `json:"hash"`
		Dir  string `json:"extract_dir"`
	}
	architecture := map[string]download{}
	for name, arch := range map[string]string{"windows_amd64": "64bit", "windows_arm64": "arm64"} {
		if a, ok := archives(files)[name]; ok {
			architecture[arch] = download{downloads + r.version + "/" + a.Name, a.SHA256, strings.TrimSuffix(a.Name, ".zip")}
		}
	}
	return indented(map[string]any{
		"version": r.version, "description": "A proxy for AI APIs that runs at home and serves your VPS",
		"homepage": "https://github.com/aitunnel/aitunnel", "license": "Apache-2.0",
		"architecture": architecture, "bin": "aitunnel.exe",
	})
}

func indented(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "  ")
	return append(out, '\n'), err
}

// components returns the bill of materials, the modules in the programs, as CycloneDX.
func (r *release) components() ([]byte, error) {
	found := map[string]*debug.Module{}
	goVersion := ""
	for _, program := range r.programs {
		info, err := buildinfo.Read(bytes.NewReader(program))
		if err != nil {
			return nil, err
		}
		goVersion = strings.TrimPrefix(info.GoVersion, "go")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			found[m.Path] = m
		}
	}
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		PURL    string `json:"purl,omitempty"`
		Ref     string `json:"bom-ref,omitempty"`
	}
	list := []component{{"library", "std", goVersion, "pkg:golang/std@" + goVersion, "pkg:golang/std@" + goVersion}}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		if m := found[path]; m.Sum != "" { // otherwise it is in this repository
			purl := "pkg:golang/" + m.Path + "@" + m.Version
			list = append(list, component{"library", m.Path, m.Version, purl, purl})
		}
	}
	return indented(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": component{"application", "aitunnel", r.version, "pkg:github/aitunnel/aitunnel@v" + r.version, "aitunnel"}},
		"components": list,
	})
}
