package config

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
)

// Format returns the text in the usual layout. If it does not parse, the report says why.
func Format(name string, text []byte) ([]byte, Report) {
	if IsOld(name) {
		return nil, Report{diags: hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "A file of the earlier program", Detail: fmt.Sprintf("%s is YAML, which cannot be formatted: aitunnel convert %s prints it as HCL.", name, name)}}}
	}
	if _, diags := hclfile.Parse(text, name, hcl.InitialPos); diags.HasErrors() {
		l := newLoader(context.Background(), Options{})
		l.Parse(name, text)
		return nil, l.report()
	}
	return hclwrite.Format(text), Report{}
}
