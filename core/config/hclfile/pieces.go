package hclfile

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/sync/errgroup"
)

// pieceSize is the minimum size of a part of a text that is parsed separately.
const pieceSize = 8 << 10

// ParseFile parses the text of a file. Its blocks and attributes may be in several bodies.
func ParseFile(text []byte, path string) ([]*hclsyntax.Body, hcl.Diagnostics) {
	bodies, diags := parsePieces(text, path, pieceSize)
	if diags.HasErrors() {
		return nil, explain(diags, text)
	}
	return bodies, nil
}

// parsePieces parses a text. A long one is parsed in pieces of at least size
// bytes, all at once; each is a body with its part of the blocks. This is no
// different from parsing the whole: if a piece is valid by itself, the next one
// begins where a block may begin; if one is not, the whole is parsed instead.
func parsePieces(text []byte, path string, size int) ([]*hclsyntax.Body, hcl.Diagnostics) {
	cut := pieces(text, size)
	bodies := make([]*hclsyntax.Body, len(cut))
	var parsing errgroup.Group
	for i, p := range cut {
		parsing.Go(func() error {
			body, diags := Parse(p.text, path, p.start)
			if diags.HasErrors() {
				return diags
			}
			bodies[i] = body
			return nil
		})
	}
	if parsing.Wait() == nil {
		return bodies, nil
	}
	body, diags := Parse(text, path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	return []*hclsyntax.Body{body}, nil
}

// piece is a part of a text, and where it begins there.
type piece struct {
	text  []byte
	start hcl.Pos
}

// pieces cuts a text into pieces of at least size bytes, after lines with only a closing brace,
// as blocks at the top level end.
func pieces(text []byte, size int) []piece {
	blockEnd := []byte("\n}\n")
	var out []piece
	at := hcl.InitialPos
	for {
		end := -1
		if len(text) > size {
			end = bytes.Index(text[size:], blockEnd)
		}
		if end < 0 {
			return append(out, piece{text, at})
		}
		end += size + len(blockEnd)
		out = append(out, piece{text[:end:end], at})
		at.Byte += end
		at.Line += bytes.Count(text[:end], []byte("\n"))
		text = text[end:]
	}
}
