package block_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config/block"
)

var (
	reference = block.Reference{Inner: func(s block.Setting, field reflect.Value) block.Declaration {
		return block.Declaration{Name: s.Name, Doc: s.Doc, Value: field.Addr().Interface()}
	}}
	declaration = block.Declaration{Name: "site", Label: "name", Sample: "primary", Repeated: true, Doc: "A site.", Value: defaultSite()}
)

// The example has every setting: those with an example as they are, the others in comments, with a sample or
// the default.
func TestExample(t *testing.T) {
	want := `site "primary" {
  # Address of the site.
  url = "https://a.example"

  # How it works.
  # mode = "safe"

  # A name.
  # host = "vps"

  # Number of retries.
  # retries = 3

  # A share.
  # ratio = 0.5

  # A factor.
  # factor = 0.5

  # Time limit.
  # timeout = "10s"

  # May be 0.
  # pause = "1s"

  # Maximum size.
  # max_body = "1MiB"

  # Use it.
  # enabled = true

  # Verify it.
  # verify = true

  # Names.
  # models = ["gpt-*"]

  # Other names.
  # rename = { a = "b" }

  # A secret.
  token = env("TOKEN")

  # Limits of the site.
  limit {
    # At once.
    # concurrent = 4
  }
}`
	if diff := cmp.Diff(want, strings.Join(reference.Example(declaration), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExampleWithoutSettings(t *testing.T) {
	got := reference.Example(block.Declaration{Name: "locals", Body: []string{"a = 1"}})
	if diff := cmp.Diff([]string{"locals {", "  a = 1", "}"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Nested blocks that the caller reads are in comments, except those that the example needs.
func TestExampleOfNestedBlocks(t *testing.T) {
	var settings struct {
		Forward any `hcl:"forward,blocks" doc:"What is opened."`
		Verdict any `hcl:"verdict,blocks" doc:"What answers mean."`
	}
	reference := block.Reference{Inner: func(s block.Setting, _ reflect.Value) block.Declaration {
		return block.Declaration{Name: s.Name, Label: "name", Sample: "x", Doc: s.Doc, Value: &limit{Concurrent: 1}, Uncommented: s.Name == "forward"}
	}}
	want := `# What is opened.
forward "x" {
  # At once.
  # concurrent = 1
}

# What answers mean.
# verdict "x" {
#   # At once.
#   # concurrent = 1
# }`
	if diff := cmp.Diff(want, strings.Join(reference.ExampleSettings(&settings), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	want := `## site "NAME"

A site. There may be several.

| setting | type | default | |
|---|---|---|---|
| ¬url¬ | string | required | Address of the site. |
| ¬mode¬ | ¬"fast"¬, ¬"safe"¬ | ¬"safe"¬ | How it works. |
| ¬host¬ | string | ¬"Default Host"¬ | A name. |
| ¬retries¬ | whole number, 0 to 9 | ¬3¬ | Number of retries. |
| ¬ratio¬ | number, 0 to 1 | ¬0.5¬ | A share. |
| ¬factor¬ | number, 0 to 2 |  | A factor. |
| ¬timeout¬ | duration | ¬"10s"¬ | Time limit. |
| ¬pause¬ | duration | ¬"1s"¬ | May be 0. |
| ¬max_body¬ | size | ¬"1MiB"¬ | Maximum size. |
| ¬enabled¬ | true or false | ¬true¬ | Use it. |
| ¬verify¬ | true or false | true | Verify it. |
| ¬models¬ | list of strings | all | Names. |
| ¬rename¬ | map of strings |  | Other names. |
| ¬token¬ | secret string |  | A secret. |

### limit

Limits of the site.

| setting | type | default | |
|---|---|---|---|
| ¬concurrent¬ | whole number, at least 0 | ¬4¬ | At once. |

`
	var b strings.Builder
	reference.Describe(&b, "## ", declaration)
	if diff := cmp.Diff(strings.ReplaceAll(want, "¬", "`"), b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCommentIsWrapped(t *testing.T) {
	for _, line := range block.Comment(strings.Repeat("twelve bytes ", 30)) {
		if len(line) > 88 || !strings.HasPrefix(line, "# ") {
			t.Errorf("%q", line)
		}
	}
}
