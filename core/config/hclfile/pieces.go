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

// parsePieces parses a text. A long text is cut into pieces of at least size bytes, which are parsed in parallel;
// each becomes a body. The result is the same as for the whole text: if a piece is valid, the next piece begins where
// a block may begin; if a piece is not valid, the whole text is parsed instead.
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

// piece is a part of a text, and its position in the text.
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
