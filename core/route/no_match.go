package route

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// versioned matches a path with a version of the API, such as /v1beta/models.
var versioned = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|/)v[0-9]+[a-z0-9]*(/|$)`) })

// NoMatch returns the message that no route matches, with the change that would help.
func (t *Table) NoMatch(path, model string) string {
	text := "no route matches " + path
	if t.Match(path, "") != nil {
		return fmt.Sprintf("%s with the model %q: a route for other models does", text, model)
	}
	if !versioned().MatchString(path) && t.Match("/v1"+path, model) != nil {
		return fmt.Sprintf("%s; a route matches /v1%s: end the base URL in your app's settings with /v1", text, path)
	}
	var patterns []string
	for _, r := range t.Routes {
		patterns = append(patterns, r.Config.Pattern)
	}
	if len(patterns) == 0 {
		return text + ": the configuration has no route"
	}
	return fmt.Sprintf(`%s; the configuration has %s (route "/**" matches every path)`, text, strings.Join(patterns[:min(len(patterns), 5)], ", "))
}
