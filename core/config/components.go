package config

import "slices"

// Components returns all components in the order of the configuration: those of the
// channels, then those of the routes.
func (c *Config) Components() (all []*Component) {
	for _, ch := range c.Channels {
		if len(ch.Keys) > 0 {
			all = append(all, ch.KeySelector)
		}
		if ch.HealthCheck != nil {
			all = append(all, ch.HealthCheck.Checker)
		}
	}
	for _, r := range c.Routes {
		all = append(append(all, r.Strategy), r.Shadows...)
	}
	return all
}

// Members returns the names of the channels, or the labels of the keys, that a component
// plans.
func (c *Config) Members(of *Component) []string {
	for _, r := range c.Routes {
		if r.Strategy == of || slices.Contains(r.Shadows, of) {
			names := []string{}
			for _, ch := range r.Channels {
				names = append(names, ch.Name)
			}
			return names
		}
	}
	for _, ch := range c.Channels {
		if ch.KeySelector == of || ch.HealthCheck != nil && ch.HealthCheck.Checker == of {
			labels := []string{}
			for _, k := range ch.Keys {
				if k.Label != "" {
					labels = append(labels, k.Label)
				}
			}
			return labels
		}
	}
	return nil
}

// Build returns the version of the plugin that runs the component, "" while the plugin is not ready, and an identifier of
// its executable and process.
func (c *Component) Build() (version, build string) { return c.version, c.build }
