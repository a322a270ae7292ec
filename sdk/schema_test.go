package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

type target struct {
	Name   string        `hcl:"name,label"`
	Weight float64       `hcl:"weight" doc:"Its share."`
	Pause  time.Duration `hcl:"pause,optional"`
}

type window struct {
	Length time.Duration `hcl:"length,optional" doc:"How far back to look."`
	Steps  int           `hcl:"steps"`
}

type everything struct {
	Name    string            `hcl:"name" doc:"Required."`
	Mode    string            `hcl:"mode,optional" enum:"fast,slow"`
	Token   string            `hcl:"token,optional" sensitive:"true"`
	On      bool              `hcl:"on,optional"`
	Share   float64           `hcl:"share,optional"`
	Count   *int              `hcl:"count,optional"`
	Every   time.Duration     `hcl:"every,optional"`
	Limit   Size              `hcl:"limit,optional"`
	Tags    []string          `hcl:"tags,optional"`
	Pauses  []time.Duration   `hcl:"pauses,optional"`
	Shares  map[string]uint16 `hcl:"shares,optional"`
	Window  window            `hcl:"window,block"`
	Extra   *window           `hcl:"extra,block"`
	Steps   []window          `hcl:"step,block"`
	Targets []*target         `hcl:"target,block" doc:"Where to go."`
	Ignored chan int
}

var full = everything{
	Mode: "fast", On: true, Share: 0.25, Every: 90 * time.Second, Limit: 64 << 20,
	Tags: []string{"a", "b"}, Shares: map[string]uint16{"x": 1}, Window: window{Length: time.Minute},
}

func TestSchemaOfEverything(t *testing.T) {
	schema, err := deriveSchema(full)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.json", schema)
	same, err := deriveSchema(&full)
	if err != nil || !reflect.DeepEqual(same, schema) {
		t.Errorf("a pointer to the settings has another schema: %v", err)
	}
}

// golden compares v, as JSON, with a file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func TestMistakesInSettings(t *testing.T) {
	type loop struct {
		Inner []loop `hcl:"inner,block"`
	}
	for want, settings := range map[string]any{
		"must be a struct": 7,
		"cannot be a chan int": struct {
			A chan int `hcl:"a"`
		}{},
		"cannot be a map[int]int": struct {
			A map[int]int `hcl:"a"`
		}{},
		"unknown option \"maybe\"": struct {
			A int `hcl:"a,maybe"`
		}{},
		"must be exported": struct {
			a int `hcl:"a"`
		}{},
		"is not a name": struct {
			A int `hcl:"An A"`
		}{},
		"is taken": struct {
			A, B int `hcl:"a"`
		}{},
		"enum is for strings": struct {
			A int `hcl:"a" enum:"1,2"`
		}{},
		"a label must be": struct {
			A []struct {
				L int `hcl:"l,label"`
			} `hcl:"a,block"`
		}{},
		"must be a slice": struct {
			A target `hcl:"a,block"`
		}{},
		"a block must be": struct {
			A string `hcl:"a,block"`
		}{},
		"nested more than": loop{},
	} {
		if _, err := deriveSchema(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: want %q, got %v", settings, want, err)
		}
	}
}

func TestDecodeEverything(t *testing.T) {
	body := `{
		"name": "n", "mode": "slow", "token": null, "on": false, "count": 3, "every": "1m30s", "limit": "1.5GiB",
		"tags": ["c"], "pauses": ["1s", "2ms"], "shares": {"y": 2}, "future": {"unknown": true},
		"window": {"steps": 4}, "extra": {"length": "1h", "steps": 5}, "step": [{"steps": 1}, {"steps": 2}],
		"target": {"b": {"weight": 1}, "a": {"weight": 2.5, "pause": "3s"}}
	}`
	count := 3
	want := everything{
		Name: "n", Mode: "slow", Share: 0.25, Count: &count, Every: 90 * time.Second, Limit: 3 << 29,
		Tags: []string{"c"}, Pauses: []time.Duration{time.Second, 2 * time.Millisecond}, Shares: map[string]uint16{"y": 2},
		Window: window{Length: time.Minute, Steps: 4}, Extra: &window{Length: time.Hour, Steps: 5},
		Steps:   []window{{Steps: 1}, {Steps: 2}},
		Targets: []*target{{Name: "a", Weight: 2.5, Pause: 3 * time.Second}, {Name: "b", Weight: 1}},
	}
	var got everything
	if err := (Config{Body: []byte(body), defaults: full}).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaultsOfNestedSettings(t *testing.T) {
	var got everything
	if err := (Config{Body: []byte(`{"name":"n","window":{"steps":0}}`), defaults: &full}).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := full
	want.Name = "n"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	got.Tags[0], got.Shares["x"] = "spoilt", 9
	if full.Tags[0] != "a" || full.Shares["x"] != 1 {
		t.Error("an instance changed the defaults of the next one")
	}
	own := window{Length: time.Hour}
	if err := (Config{Body: []byte(`{"steps":1}`), defaults: full}).Decode(&own); err != nil || own.Length != time.Hour || own.Steps != 1 {
		t.Errorf("another type: %+v, %v", own, err)
	}
}

func TestRequiredSettings(t *testing.T) {
	for body, path := range map[string]string{
		``:                          "name",
		`{"name": null}`:            "name",
		`{"name": "n"}`:             "window",
		`{"name":"n","window": {}}`: "window.steps",
		`{"name":"n","window":{"steps":1},"extra":{}}`:                               "extra.steps",
		`{"name":"n","window":{"steps":1},"step":[{"steps":1},{}]}`:                  "step.steps",
		`{"name":"n","window":{"steps":1},"target":{"a":{"weight":1},"b":{}}}`:       "target.b.weight",
		`{"name":"n","window":{"steps":1},"target":{"a":{"weight":1}},"extra":null}`: "",
	} {
		err := (Config{Body: []byte(body), defaults: full}).Decode(new(everything))
		var c *ConfigError
		switch {
		case path == "" && err != nil:
			t.Errorf("%s: %v", body, err)
		case path != "" && (!errors.As(err, &c) || strings.Join(c.Path, ".") != path || !strings.Contains(c.Message, "required")):
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWrongValues(t *testing.T) {
	for _, test := range []struct{ body, path, message, hint string }{
		{`{"every": 90}`, "every", "90 is not a duration", `"1m30s"`},
		{`{"every": "soon"}`, "every", `"soon" is not a duration`, `"1m30s"`},
		{`{"limit": 64}`, "limit", "64 is not a size", `"64MiB"`},
		{`{"limit": "64"}`, "limit", `"64" is not a size`, `"64MiB"`},
		{`{"pauses": ["1s", "x"]}`, "pauses", `"x" is not a duration`, ""},
		{`{"mode": "sideways"}`, "mode", `"sideways" is not known`, "fast, slow"},
		{`{"on": "yes"}`, "on", "true or false is expected, not a string", ""},
		{`{"shares": {"x": 70000}}`, "shares", "a whole number that is not negative is expected, and this one is too large", ""},
		{`{"shares": {"x": -1}}`, "shares", "a whole number that is not negative is expected", ""},
		{`{"window": {"steps": 1.5}}`, "window.steps", "a whole number is expected, not a fraction", ""},
		{`{"tags": [true]}`, "tags", "a string is expected, not true or false", ""},
		{`{"tags": "a"}`, "tags", "a list is expected, not a string", ""},
		{`{"shares": []}`, "shares", "a map is expected, not a list", ""},
		{`{"window": {"steps": "x"}}`, "window.steps", "a whole number is expected, not a string", ""},
		{`{"window": 1}`, "window", "not an object", ""},
		{`{"target": {"a": {"weight": "x"}}}`, "target.a.weight", "a number is expected, not a string", ""},
		{`{"target": 1}`, "target", "neither a list", ""},
		{`[]`, "", "not an object", ""},
	} {
		err := (Config{Body: []byte(test.body)}).Decode(new(everything))
		var c *ConfigError
		if !errors.As(err, &c) || strings.Join(c.Path, ".") != test.path || !strings.Contains(c.Message, test.message) || !strings.Contains(c.Hint, test.hint) {
			t.Errorf("%s: %#v", test.body, err)
		}
	}
	if err := (Config{}).Decode(everything{}); !errors.Is(err, ErrInternal) {
		t.Errorf("not a pointer: %v", err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{
		"0B": 0, "17B": 17, "1KiB": 1024, "64MiB": 64 << 20, "3GiB": 3 << 30, "2TiB": 2 << 40, "1500B": 1500,
	} {
		if got, err := ParseSize(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %d, %s, %v", text, got, got, err)
		}
	}
	for text, want := range map[string]Size{"1.5KB": 1500, "2 MB": 2e6, "0.5KiB": 512} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "MiB", "-1B", "NaNB", "InfGiB", "9999999TiB", "1 kilo"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"n","every":"1s","limit":"1B","shares":{"x":1},"window":{"steps":1},"target":{"a":{"weight":1}}}`))
	f.Add([]byte(`{"step":[{}],"extra":null,"count":1e3,"pauses":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got everything
		if err := (Config{Body: body, defaults: full}).Decode(&got); err != nil {
			var c *ConfigError
			if !errors.As(err, &c) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		// What was decoded can be encoded and decoded again without a change.
		again, err := encodeBody(reflect.ValueOf(got))
		if err != nil {
			t.Fatal(err)
		}
		var second everything
		if err := (Config{Body: again}).Decode(&second); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}
