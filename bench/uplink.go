package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aitunnel/aitunnel/core/linktest"
)

// The uplink of a home is slow, and one large answer fills it. The time of small answers
// during large ones is measured over a simulated link to another sshd.

// uplinkDelay is the delay of a packet, each way.
const uplinkDelay = 20 * time.Millisecond

// uplinkRates are the measured rates, in bits per second.
var uplinkRates = []float64{1.2e6, 10e6}

// uplinkResult is the result of one way at one rate.
type uplinkResult struct {
	Name   string  `json:"name"`
	Rate   float64 `json:"megabitsPerSecond"` // of the line
	P50    float64 `json:"p50"`               // of small answers
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
	Small  int     `json:"smallAnswers"`
	Bulk   float64 `json:"bulkMegabitsPerSecond"` // payload of the large ones
	Share  float64 `json:"shareOfTCP"`            // of what TCP can carry
	Broken int     `json:"brokenConnections"`
}

// uplinks measures small answers during large ones at each rate and with each way.
func (b *bench) uplinks(ctx context.Context, out *report) error {
	if len(b.only) > 0 && !slices.Contains(b.only, "uplink") {
		return nil
	}
	out.UplinkSeconds = b.uplink.Seconds()
	for _, rate := range uplinkRates {
		results, err := b.uplinkAt(ctx, rate)
		if errors.Is(err, errMissing) || errors.Is(err, linktest.ErrUnavailable) {
			out.NoUplinks = err.Error()
			return nil
		}
		if err != nil {
			return err
		}
		out.Uplinks = append(out.Uplinks, results...)
	}
	return ctx.Err()
}

func (b *bench) uplinkAt(ctx context.Context, rate float64) (out []uplinkResult, err error) {
	link := linktest.Link{Rate: rate, Delay: uplinkDelay}
	network, err := linktest.New(link)
	if err != nil {
		return nil, err
	}
	defer network.Close()
	dir, err := unique(b.dir, "uplink")
	if err != nil {
		return nil, err
	}
	h := &host{dir: dir}
	if err := h.makeKeys(ctx); err != nil {
		return nil, err
	}
	if err := h.startInside(ctx, network); err != nil {
		return nil, err
	}
	defer h.stop()
	for i, name := range []string{"ssh -N -R", "ours"} {
		b.say("uplink of %g Mbit/s: %s", rate/1e6, name)
		remote := net.JoinHostPort(network.Inner, fmt.Sprint(9000+i))
		start := func() (*process, error) { return b.oursAt(ctx, h, dir, remote) }
		if name == "ssh -N -R" {
			start = func() (*process, error) {
				server, err := role("plain")(ctx, dir, "")
				if err != nil {
					return nil, err
				}
				return h.forwardedTo(ctx, server, remote)
			}
		}
		p, err := start()
		if err != nil {
			return nil, err
		}
		got, err := linktest.Measure(ctx, inside(network), remote, b.uplink)
		p.stop()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, p.log)
		}
		out = append(out, uplinkResult{
			Name: name, Rate: rate / 1e6, P50: ms(got.At(50)), P99: ms(got.At(99)), Max: ms(got.At(100)), Small: len(got.Small),
			Bulk: got.Bulk / 1e6, Share: got.Bulk / link.Payload(), Broken: strings.Count(p.log.String(), "down: "),
		})
	}
	return out, nil
}

// inside returns a client on the far side of a link.
func inside(w *linktest.Network) *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 10,
		DialContext:         func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}
}

// startInside starts the host's sshd on the far side of a link. Its forwards can also be
// reached from here.
func (h *host) startInside(ctx context.Context, w *linktest.Network) error {
	sshd, err := find("sshd")
	if err != nil {
		return err
	}
	address := net.JoinHostPort(w.Inner, "2222")
	file := filepath.Join(h.dir, "sshd.conf")
	text := strings.NewReplacer("LISTEN", address, "DIR", h.dir).Replace(sshdConfig + "GatewayPorts clientspecified\n")
	if err := writeFile(file, text); err != nil {
		return err
	}
	command := w.Command(sshd, "-D", "-e", "-f", file)
	h.process, err = launch(ctx, address, command[0], command[1:]...)
	return err
}

// printUplinks prints the table.
func (r *report) printUplinks(out io.Writer) error {
	if r.NoUplinks != "" {
		_, err := fmt.Fprintf(out, "\nSlow uplinks are left out: %s.\n", r.NoUplinks)
		return err
	}
	if len(r.Uplinks) == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(out, "\nSmall answers during two large ones, for %gs each, to a host with a round trip of %s:\n\n", r.UplinkSeconds, 2*uplinkDelay)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\tMbit/s\tsmall\tp50 ms\tp99 ms\tmax ms\tlarge Mbit/s\tof TCP\tbroken\t")
	for _, x := range r.Uplinks {
		_, _ = fmt.Fprintf(w, "%s\t%g\t%d\t%.0f\t%.0f\t%.0f\t%.3f\t%.1f %%\t%d\t\n", x.Name, x.Rate, x.Small, x.P50, x.P99, x.Max, x.Bulk, 100*x.Share, x.Broken)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "\n\"of TCP\" is the payload of the large answers over what the payload of full packets can be at that rate.")
	return err
}
