package edit

import (
	"errors"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ImportChannels adds the channels of another configuration, except those whose names are in
// use. It returns the names of both groups.
func (d *Document) ImportChannels(other []byte) (added, left []string, err error) {
	body, diags := hclfile.Parse(other, "import", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, nil, errors.New("the configuration to import cannot be parsed")
	}
	used := map[string]bool{}
	if err := d.each("channel", func(_ *file, b *hclsyntax.Block) error {
		used[b.Labels[0]] = true
		return nil
	}); err != nil {
		return nil, nil, err
	}
	for _, b := range body.Blocks {
		if b.Type != "channel" || len(b.Labels) == 0 {
			continue
		}
		name := b.Labels[0]
		if used[name] {
			left = append(left, name)
			continue
		}
		if err := d.writeChannel(string(other[b.TypeRange.Start.Byte:b.CloseBraceRange.End.Byte])); err != nil {
			return nil, nil, err
		}
		used[name] = true
		added = append(added, name)
	}
	return added, left, nil
}
