package command

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// settingsOf are settings of the configuration that people look for among the flags.
var settingsOf = map[string]string{
	"port": "the port of the proxy is proxy.listen in the configuration",
	"host": "the address of the proxy is proxy.listen in the configuration", "listen": "the address of the proxy is proxy.listen in the configuration",
	"token": "tokens are set in the configuration: proxy.client_tokens, admin.token", "key": "keys are set in the configuration; 'aitunnel key add CHANNEL' asks for one",
}

// FlagError returns what is wrong with a flag, in terms of the command line.
func FlagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var wrong *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		err = errors.New(unknownFlag(c, unknown))
	case errors.As(err, &wrong):
		err = errors.New(wrongValue(wrong))
	case errors.As(err, &missing):
		err = fmt.Errorf("%s needs a value", dashed(missing.GetSpecifiedName()))
	}
	return WrongUsage(c, err)
}

// unknownFlag returns the error for an unknown flag, with the one that was probably
// meant.
func unknownFlag(c *cobra.Command, e *pflag.NotExistError) string {
	name := e.GetSpecifiedName()
	text := "unknown flag: " + dashed(name)
	if group := e.GetSpecifiedShortnames(); group != "" {
		if len(group) > 1 { // -prot instead of --prot
			name = group
		}
		text = "unknown flag: -" + group
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := nearestFlag(name, known); near != "" {
		return fmt.Sprintf("%s; did you mean --%s?", text, near)
	}
	if requests, _, err := c.Root().Find([]string{"requests"}); err == nil && c.Name() == "logs" && requests.Flags().Lookup(name) != nil {
		return fmt.Sprintf("%s; 'aitunnel requests --%s' has it", text, name)
	}
	if near := nearestFlag(name, slices.Sorted(maps.Keys(settingsOf))); near != "" {
		return text + "; " + settingsOf[near]
	}
	return text
}

// nearestFlag returns the flag that begins with a name, or is similar to it; "" if none
// is.
func nearestFlag(name string, known []string) string {
	for _, k := range known {
		if len(name) > 1 && strings.HasPrefix(k, name) {
			return k
		}
	}
	near := wording.Nearest(name, known)
	if near == "" || wording.Distance(name, near) > min((len(name)+1)/3, 2) {
		return ""
	}
	return near
}

// wrongValue returns which values a flag takes.
func wrongValue(e *pflag.InvalidValueError) string {
	f := e.GetFlag()
	switch f.Value.Type() {
	case "bool":
		return fmt.Sprintf("%s takes no value, or true or false, not %q", dashed(f.Name), e.GetValue())
	case "int":
		return fmt.Sprintf("%s takes a whole number, not %q", dashed(f.Name), e.GetValue())
	case "float64":
		return fmt.Sprintf("%s takes a number, not %q", dashed(f.Name), e.GetValue())
	case "stringToString":
		return fmt.Sprintf("%s takes name=value, not %q", dashed(f.Name), e.GetValue())
	case "duration":
		return NotADuration(f.Name, e.GetValue())
	}
	return fmt.Sprintf("%s: %q: %s", dashed(f.Name), e.GetValue(), e.Unwrap())
}

// NotADuration returns the error for a flag whose value is not a duration.
func NotADuration(flag, value string) string {
	return fmt.Sprintf("%s takes a duration, such as 30s or 1m30s, not %q", dashed(flag), value)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// JSONFlag adds the flag --json to a command.
func JSONFlag(c *cobra.Command, into *bool) *cobra.Command {
	c.Flags().BoolVar(into, "json", false, "print JSON")
	return c
}
