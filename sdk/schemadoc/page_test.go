package schemadoc

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// everything has a setting of every kind.
type everything struct {
	URL      string             `hcl:"url" doc:"Where to ask."`
	Token    string             `hcl:"token" sensitive:"true" doc:"What to ask with."`
	Mode     string             `hcl:"mode,optional" enum:"calm,wild" doc:"How to ask."`
	Share    float64            `hcl:"share,optional" doc:"How often. A sentence with a \"quoted phrase that does not break\" and a good many further words."`
	Every    time.Duration      `hcl:"every" doc:"When."`
	Limit    sdk.Size           `hcl:"limit,optional" doc:"How much."`
	Strict   bool               `hcl:"strict,optional" doc:"Whether."`
	Names    []string           `hcl:"names,optional" doc:"Which."`
	Long     []string           `hcl:"long,optional" doc:"Which of many."`
	Prices   map[string]float64 `hcl:"prices,optional" doc:"What it costs."`
	Text     string             `hcl:"text,optional" doc:"A template."`
	Password string             `hcl:"password,optional" sensitive:"true" doc:"Not needed."`
	Window   window             `hcl:"window,block" doc:"The span looked at."`
	Peers    []peer             `hcl:"peer,block" doc:"Others that are asked."`
}

type window struct {
	Span time.Duration `hcl:"span,optional" doc:"Its length."`
}

type peer struct {
	Name string `hcl:"name,label"`
	URL  string `hcl:"url" doc:"Where it is."`
	Rank int    `hcl:"rank,optional" doc:"Its place."`
}

type strategy struct{}

func (strategy) Configure(context.Context, sdk.Config) error { return nil }
func (strategy) Close() error                                { return nil }
func (strategy) Plan(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
	return sdk.Plan{}, nil
}
func (strategy) Route(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
	return sdk.RouteReply{}, nil
}

func TestPage(t *testing.T) {
	d, err := sdk.Plugin{Name: "acme", Version: "1.2.0", Components: []sdk.Factory{{
		Name: "oracle",
		Doc:  "Asks an oracle.\n\nThis is a second paragraph, which is long enough that it has to be wrapped somewhere\nnear here.",
		Settings: everything{
			Mode: "calm", Share: 0.25, Limit: 64 << 20, Names: []string{"a", "b"}, Text: "${x} \"y\"", Window: window{time.Minute},
			Long: []string{"header.x-session-id", "header.x-conversation-id", "body.metadata.user_id"},
		},
		New: func() sdk.Component { return strategy{} },
	}}}.Describe()
	if err != nil {
		t.Fatal(err)
	}
	got := Page(d, d.Components[0])
	const golden = "testdata/everything.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("run go test -update ./schemadoc and look at the difference:\n%s", got)
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(line)); n > width+1 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

func TestRef(t *testing.T) {
	one := sdk.ComponentDescription{Kind: sdk.KindStrategy, Name: "acme"}
	other := sdk.ComponentDescription{Kind: sdk.KindStrategy, Name: "other"}
	selector := sdk.ComponentDescription{Kind: sdk.KindKeySelector, Name: "acme"}
	for _, test := range []struct {
		plugin     string
		components []sdk.ComponentDescription
		want       string
	}{
		{"", []sdk.ComponentDescription{one}, "acme"},
		{"acme", []sdk.ComponentDescription{one, selector}, "acme"},
		{"acme", []sdk.ComponentDescription{one, other}, "acme/acme"},
		{"corp", []sdk.ComponentDescription{one}, "corp/acme"},
	} {
		if got := Ref(sdk.Description{Name: test.plugin, Components: test.components}, one); got != test.want {
			t.Errorf("in %q: %q, want %q", test.plugin, got, test.want)
		}
	}
}
