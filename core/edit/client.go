package edit

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Client is a new client.
type Client struct {
	TokenSHA256   string
	Models, Paths []string // empty: all

	RequestsPerMinute, TokensPerMinute, Concurrent int // 0: no limit

	Budget       float64 // 0: no limit
	BudgetTokens int     // 0: no limit
	Per          string  // "": the default
}

// text returns the block of the client.
func (c Client) text(name string) string {
	set := func(attributes ...[2]string) [][2]string {
		return slices.DeleteFunc(attributes, func(a [2]string) bool { return a[1] == "" })
	}
	limit := set([2]string{"requests_per_minute", number(c.RequestsPerMinute)}, [2]string{"tokens_per_minute", number(c.TokensPerMinute)}, [2]string{"concurrent", number(c.Concurrent)})
	budget := set([2]string{"amount", number(c.Budget)}, [2]string{"tokens", number(c.BudgetTokens)})
	if len(budget) > 0 && c.Per != "" {
		budget = append(budget, [2]string{"per", text(c.Per)})
	}
	return written("client", name, set([2]string{"token_sha256", text(c.TokenSHA256)}, [2]string{"models", list(c.Models)}, [2]string{"paths", list(c.Paths)}), part{"limit", limit}, part{"budget", budget})
}

// number returns a number in HCL, "" for 0.
func number[N int | float64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(n), 'f', -1, 64)
}

// AddClient adds a client after the others, or at the end.
func (d *Document) AddClient(name string, c Client) error {
	block := c.text(name)
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
