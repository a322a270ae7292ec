package sdk

import (
	"context"
	"strings"
	"testing"
)

type nothing struct{}

func (nothing) Configure(context.Context, Config) error { return nil }
func (nothing) Close() error                            { return nil }

type planner struct{ nothing }

func (planner) Plan(context.Context, PlanRequest) (Plan, error) { return Plan{}, nil }

type both struct{ planner }

func (both) PlanKeys(context.Context, KeyPlanRequest) (Plan, error) { return Plan{}, nil }

func TestMistakesInAPlugin(t *testing.T) {
	_, err := Plugin{Name: "My Plugin", Version: "one", Components: []Factory{
		{Name: "a", New: func() Component { return planner{} }},
		{Name: "a", New: func() Component { return planner{} }},
		{Name: "b", New: func() Component { return nothing{} }},
		{Name: "c", New: func() Component { return both{} }},
		{Name: "d"},
		{Name: "E", New: func() Component { return planner{} }},
		{Name: "f", Settings: 1, New: func() Component { return planner{} }},
	}}.Describe()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`"My Plugin" is not a name`, `"one" is not a semantic version`, "two of that kind", "it is 0 of them",
		"it is 2 of them", "New is not set", "the name may hold", "settings must be a struct",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if _, err := (Plugin{Name: "p", Version: "1.0.0-rc.1"}).Describe(); err == nil || err.Error() != "the plugin has no components and no verdicts" {
		t.Error(err)
	}
}
