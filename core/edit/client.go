package edit

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Client is a new client.
type Client struct {
	TokenSHA256   string
	Models, Paths []string // empty: all
}

// AddClient writes a new client after the others, or at the end.
func (d *Document) AddClient(name string, c Client) error {
	attributes := [][2]string{{"token_sha256", text(c.TokenSHA256)}, {"models", list(c.Models)}, {"paths", list(c.Paths)}}
	attributes = slices.DeleteFunc(attributes, func(a [2]string) bool { return a[1] == "" })
	block := written("client", name, attributes)
	in, at := d.files[0], -1
	err := d.each("client", func(f *file, b *hclsyntax.Block) error {
		in, at = f, f.lineEnd(b.CloseBraceRange.End.Byte)
		return nil
	})
	if err != nil {
		return err
	}
	if at >= 0 {
		in.splice(at, at, "\n\n"+block)
		return nil
	}
	at = len(in.text)
	before := "\n"
	if at > 0 && in.text[at-1] != '\n' {
		before = "\n\n"
	}
	in.splice(at, at, before+block+"\n")
	return nil
}

// RemoveClient removes a client.
func (d *Document) RemoveClient(name string) error {
	f, b, err := d.block("client", name)
	if err != nil {
		return err
	}
	f.cut(b.TypeRange.Start.Byte, b.CloseBraceRange.End.Byte)
	return nil
}
