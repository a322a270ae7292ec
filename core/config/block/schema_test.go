package block_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/sdk"
)

// pluginSchema declares what a plugin might.
func pluginSchema() *sdk.Schema {
	number := json.RawMessage(`"number"`)
	text := json.RawMessage(`"string"`)
	return &sdk.Schema{
		Attributes: []sdk.Attribute{
			{Name: "arms", Type: number, Required: true, Doc: "how many arms the bandit has"},
			{Name: "mode", Type: text, Enum: []string{"greedy", "softmax"}, Default: json.RawMessage(`"greedy"`)},
			{Name: "every", Type: text, Format: sdk.FormatDuration},
			{Name: "token", Type: text, Sensitive: true, Enum: []string{"first", "second"}},
			{Name: "notes", Type: json.RawMessage(`["map","string"]`)},
			{Name: "shares", Type: json.RawMessage(`["list","number"]`)},
			{Name: "odd", Type: json.RawMessage(`"nonsense"`)},
		},
		Blocks: []sdk.Block{
			{Name: "arm", Labelled: true, Repeated: true, Schema: &sdk.Schema{Attributes: []sdk.Attribute{{Name: "bias", Type: number, Required: true}}}},
			{Name: "step", Repeated: true, Schema: &sdk.Schema{Attributes: []sdk.Attribute{{Name: "size", Type: number}}}},
			{Name: "limit", Schema: &sdk.Schema{Attributes: []sdk.Attribute{{Name: "most", Type: number}}}},
		},
	}
}

// decodeSchema decodes a block with these settings, the first of which is in line 2, as JSON.
func decodeSchema(t *testing.T, settings string) (text, errors string, places map[string]hcl.Range) {
	t.Helper()
	ev, r := evaluate(t, "site \"a\" {\n"+settings+"\n}\n")
	places = map[string]hcl.Range{}
	body := r.DecodeSchema(pluginSchema(), places)
	r.Done()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), lines(ev), places
}

func TestDecodeSchema(t *testing.T) {
	for name, tt := range map[string]struct{ settings, want string }{
		"defaults":   {`arms = 2`, `{"arms":2,"mode":"greedy"}`},
		"attributes": {"arms = 2\nmode = \"softmax\"\nevery = \"5s\"\ntoken = \"first\"\nnotes = { a = \"b\" }\nshares = [1, 2]", `{"arms":2,"every":"5s","mode":"softmax","notes":{"a":"b"},"shares":[1,2],"token":"first"}`},
		"blocks":     {"arms = 2\narm \"x\" {\nbias = 1\n}\narm \"y\" {\nbias = 2\n}\nstep {\nsize = 3\n}\nlimit {\nmost = 4\n}", `{"arm":{"x":{"bias":1},"y":{"bias":2}},"arms":2,"limit":{"most":4},"mode":"greedy","step":[{"size":3}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			text, errors, _ := decodeSchema(t, tt.settings)
			if errors != "" {
				t.Fatal(errors)
			}
			if diff := cmp.Diff(tt.want, text); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlacesOfASchema(t *testing.T) {
	_, errors, places := decodeSchema(t, "arms = 2\nnotes = {\na = \"b\"\n}\nshares = [\n1,\n2]\narm \"x\" {\nbias = 1\n}")
	if errors != "" {
		t.Fatal(errors)
	}
	got := map[string]int{}
	for path, at := range places {
		got[path] = at.Start.Line
	}
	want := map[string]int{"arms": 2, "notes": 3, "notes.a": 4, "shares": 6, "shares.0": 7, "shares.1": 8, "arm.x": 9, "arm.x.bias": 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestErrorsOfASchema(t *testing.T) {
	for settings, want := range map[string]string{
		`mode = "greedy"`:                `1: Missing setting: "arms" is required in site "a". How many arms the bandit has.`,
		`arms = "x"`:                     `2: Invalid value for "arms": Expected a number.`,
		`arms = null`:                    `2: Invalid value for "arms": The value must not be null.`,
		"arms = 2\nmode = \"gready\"":    `3: Invalid value for "mode": "gready" is not one of "greedy" and "softmax". Did you mean "greedy"?`,
		"arms = 2\nevery = 5":            `3: Invalid value for "every": 5 has no unit: write "5s" for seconds or "5ms" for milliseconds.`,
		"arms = 2\ntoken = \"sk-third\"": `3: Invalid value for "token": The value is not one of "first" and "second".`,
		"arms = 2\nshares = [true]":      `3: Invalid value for "shares": Expected a list of numbers in brackets.`,
		"arms = 2\nodd = 1":              `3: Invalid value for "odd": The plugin declares it with an unknown type: "nonsense".`,
		"arms = 2\nleg = 1":              `3: Unknown setting: There is no "leg" in site "a".`,
		"arms = 2\narm \"x\" {}":         `3: Missing setting: "bias" is required in arm.`,
		"arms = 2\nlimit {}\nlimit {}":   `4: Duplicate block: A limit block is already declared in site "a"; only one is allowed.`,
		"arms = 2\narm \"x\" {\nbias = 1\n}\narm \"x\" {\nbias = 2\n}": `6: Duplicate block: Block arm "x" is already declared.`,
	} {
		t.Run(settings, func(t *testing.T) {
			if _, errors, _ := decodeSchema(t, settings); !strings.HasPrefix(errors, want) || strings.Contains(errors, "\n") {
				t.Errorf("got\n%s\nwant\n%s", errors, want)
			}
		})
	}
}
