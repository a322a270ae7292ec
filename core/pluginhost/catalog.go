package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

// Component implements [config.Catalog]. It starts the plugin's process if it is not
// running.
func (h *Host) Component(ctx context.Context, kind sdk.Kind, ref string, plugin *config.Plugin) (config.ComponentInfo, error) {
	name, component, qualified := strings.Cut(ref, "/")
	if qualified || plugin != nil {
		found, err := h.thirdParty(ctx, kind, ref, name, component, plugin)
		if errors.Is(err, errNotInstalled) && plugin == nil {
			_, others := h.installedComponents(ctx, kind, "")
			if near := wording.NearestRef(ref, others); near != "" {
				err = fmt.Errorf("did you mean %q? %w", near, err)
			}
		}
		return found, err
	}
	builtin, err := h.describe(ctx, "", nil)
	if err != nil {
		return config.ComponentInfo{}, err
	}
	if c, ok := lookUp(builtin, kind, ref); ok {
		return h.info("", builtin, c), nil
	}
	// The name of a plugin is allowed without a component, and the plugin need not have a
	// block. But usually such a name is a misspelled built-in.
	found, err := h.thirdParty(ctx, kind, ref, name, "", nil)
	if errors.As(err, &missingError{}) {
		return found, err
	}
	if errors.Is(err, errNotInstalled) {
		h.recordFailure(name, "", "", nil)
		return found, h.unknown(ctx, kind, ref, nil)
	}
	return found, err
}

// Verdicts implements [config.VerdictCatalog].
func (h *Host) Verdicts(ctx context.Context, plugin string, block *config.Plugin) (text, build string, err error) {
	if !isPluginName(plugin) {
		return "", "", fmt.Errorf("%q is not the name of a plugin", plugin)
	}
	d, err := h.describe(ctx, plugin, block)
	return d.Verdicts, h.build(plugin), err
}

// thirdParty returns a component of the plugin with the name; without the name of a
// component, the only one of its kind.
func (h *Host) thirdParty(ctx context.Context, kind sdk.Kind, ref, name, component string, block *config.Plugin) (config.ComponentInfo, error) {
	if !isPluginName(name) {
		return config.ComponentInfo{}, h.unknown(ctx, kind, ref, nil)
	}
	d, err := h.describe(ctx, name, block)
	if err != nil {
		return config.ComponentInfo{}, err
	}
	c, ok := lookUp(d, kind, component)
	if !ok {
		return config.ComponentInfo{}, h.unknown(ctx, kind, ref, &d)
	}
	return h.info(name, d, c), nil
}

// describe returns the description of a plugin, even while its process restarts.
func (h *Host) describe(ctx context.Context, name string, block *config.Plugin) (sdk.Description, error) {
	s, err := h.spec(name, block)
	if err != nil {
		return sdk.Description{}, err
	}
	if cause := h.absenceCause(s); cause != nil {
		return sdk.Description{}, fmt.Errorf("%w: %w", config.ErrNotReady, cause)
	}
	v, err := h.supervisor(ctx, s)
	if err != nil {
		return sdk.Description{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	d := v.description
	d.Name = name // as in the configuration
	return d, nil
}

// Describe returns the description of a plugin. ref is PLUGIN, PLUGIN/COMPONENT, or the name
// of a built-in component; the description has only the components of that name.
func (h *Host) Describe(ctx context.Context, ref string, declared []*config.Plugin) (sdk.Description, error) {
	name, component, qualified := strings.Cut(ref, "/")
	i := slices.IndexFunc(declared, func(p *config.Plugin) bool { return p.Name == name })
	builtin, err := h.describe(ctx, "", nil)
	if err != nil {
		return sdk.Description{}, err
	}
	if one := onlyNamed(builtin, ref); !qualified && i < 0 && len(one.Components) > 0 {
		return one, nil
	}
	if !isPluginName(name) {
		return sdk.Description{}, h.noSuchComponent(ref, builtin, declared)
	}
	var block *config.Plugin
	if i >= 0 {
		block = declared[i]
	}
	d, err := h.describe(ctx, name, block)
	switch {
	case errors.As(err, &missingError{}):
		return d, err
	case errors.Is(err, errNotInstalled) && !qualified:
		return d, h.noSuchComponent(ref, builtin, declared)
	case err != nil || !qualified:
		return d, err
	}
	if one := onlyNamed(d, component); len(one.Components) > 0 {
		return one, nil
	}
	return sdk.Description{}, h.noSuchComponent(ref, d, nil)
}

// onlyNamed returns a description with only the components of a name.
func onlyNamed(d sdk.Description, name string) sdk.Description {
	d.Components = slices.DeleteFunc(slices.Clone(d.Components), func(c sdk.ComponentDescription) bool { return c.Name != name })
	return d
}

// noSuchComponent names those of a plugin, and for the built-in one also the plugins that
// are installed, and how to install another.
func (h *Host) noSuchComponent(ref string, d sdk.Description, declared []*config.Plugin) error {
	var names []string
	for _, c := range d.Components {
		name := c.Name
		if d.Name != "" {
			name = d.Name + "/" + name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	install := ""
	if d.Name == "" {
		for _, c := range h.Candidates(declared) {
			names = append(names, c.Name)
		}
		install = "; to install a plugin, run: aitunnel plugin install SOURCE" + h.configFlag()
	}
	if near := wording.NearestRef(ref, names); near != "" {
		return fmt.Errorf("there is no component or plugin %q: did you mean %q? Known: %s%s", ref, near, strings.Join(names, ", "), install)
	}
	return fmt.Errorf("there is no component or plugin %q; known: %s%s", ref, strings.Join(names, ", "), install)
}

// lookUp finds a component by kind and name; without a name, the only one of its kind.
func lookUp(d sdk.Description, kind sdk.Kind, name string) (sdk.ComponentDescription, bool) {
	var found []sdk.ComponentDescription
	for _, c := range d.Components {
		if c.Kind == kind && (name == "" || c.Name == name) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return sdk.ComponentDescription{}, false
	}
	return found[0], true
}

func (h *Host) info(plugin string, d sdk.Description, c sdk.ComponentDescription) config.ComponentInfo {
	return config.ComponentInfo{Plugin: plugin, Name: c.Name, Version: d.Version, Build: h.build(plugin), Doc: c.Doc, Schema: c.Schema, OnFailure: c.OnFailure}
}

// unknown returns the error for an unknown component, with the names that are valid: those
// of the plugin, if it is known, and of the built-ins.
func (h *Host) unknown(ctx context.Context, kind sdk.Kind, ref string, d *sdk.Description) error {
	err := &config.UnknownComponentError{Kind: kind, Ref: ref}
	if d != nil {
		for _, c := range d.Components {
			if c.Kind == kind {
				err.Known = append(err.Known, schemadoc.Ref(*d, c))
			}
		}
	}
	if builtin, failed := h.describe(ctx, "", nil); failed == nil {
		for _, c := range builtin.Components {
			if c.Kind == kind {
				err.Known = append(err.Known, c.Name)
			}
		}
	}
	name, component, _ := strings.Cut(ref, "/")
	if d != nil {
		err.IsA = kindsOf(*d, component)
	} else if builtin, failed := h.describe(ctx, "", nil); failed == nil {
		err.IsA = kindsOf(builtin, name)
	}
	err.Installed, err.Others = h.installedComponents(ctx, kind, ref)
	if d == nil && len(err.IsA) == 0 {
		for _, installed := range h.installed(ctx) {
			err.IsA = append(err.IsA, kindsOf(installed, name)...)
		}
	}
	if slices.Contains(err.IsA, kind) {
		err.IsA = nil // there are several of this kind
	}
	slices.Sort(err.Known)
	return err
}

// kindsOf returns the kinds of the components with the name, or of all if it is "".
func kindsOf(d sdk.Description, name string) (kinds []sdk.Kind) {
	for _, c := range d.Components {
		if name == "" || c.Name == name {
			kinds = append(kinds, c.Kind)
		}
	}
	return kinds
}

// installedComponents returns the components of a kind in plugins that are installed and
// may run, even if no block uses them: those with the name, and all.
func (h *Host) installedComponents(ctx context.Context, kind sdk.Kind, name string) (named, all []string) {
	for _, d := range h.installed(ctx) {
		if c, ok := lookUp(d, kind, name); ok && name != "" {
			named = append(named, schemadoc.Ref(d, c))
		}
		for _, c := range d.Components {
			if c.Kind == kind {
				all = append(all, schemadoc.Ref(d, c))
			}
		}
	}
	return named, all
}

// installed describes the plugins that are installed and may run.
func (h *Host) installed(ctx context.Context) (all []sdk.Description) {
	for _, c := range h.Candidates(nil) {
		if c.Reason != "" || c.Lock != trust.Locked {
			continue
		}
		if d, err := h.describe(ctx, c.Name, nil); err == nil {
			all = append(all, d)
		}
	}
	return all
}

// isPluginName reports whether a plugin's name is safe as part of a file name.
func isPluginName(name string) bool {
	return name != "" && !strings.ContainsAny(name, `/\.:`)
}
