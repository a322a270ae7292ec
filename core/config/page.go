package config

import (
	_ "embed"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/block"
)

// prose is the text before and after the blocks.
//
//go:embed page.md
var prose string

// Page is docs/configuration.md: every block and setting that is declared.
func Page() string {
	var b strings.Builder
	before, after, _ := strings.Cut(prose, "<!-- blocks -->\n")
	b.WriteString(before)
	b.WriteString("## The top level\n\n")
	block.Table(&b, defaults(""))
	for _, d := range declarations() {
		reference.Describe(&b, "## ", d)
	}
	b.WriteString(after)
	return b.String()
}
