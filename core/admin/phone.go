package admin

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"rsc.io/qr"
)

// phone answers with a link for another device on the network, and its QR code.
func (h *Handler) phone(w http.ResponseWriter, r *http.Request) {
	addr := h.networkAddress(r)
	if addr == "" {
		answer(w, 0, nil, Refused("local_only", "the panel listens on this machine only, so no other device can open it: set admin.listen to change that"))
		return
	}
	out := PhoneLink{URL: "http://" + addr + "/#login=" + h.sessions.link(), Ends: h.options.Now().Add(linkTime)}
	code, err := qr.Encode(out.URL, qr.M)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	out.QR = drawQR(code)
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, out)
}

// networkAddress returns the address at which other devices on the network reach the port, "" if
// they cannot: the address that the caller used, else that of the listener or of an interface.
func (h *Handler) networkAddress(r *http.Request) string {
	address := NetworkAddress(h.options.Addr())
	if asked := net.ParseIP(hostName(r.Host)); address != "" && isEvery(h.options.Addr()) && asked != nil && !asked.IsLoopback() && !asked.IsUnspecified() {
		return r.Host
	}
	return address
}

// quietZone is the width of the empty margin that cameras need, in modules.
const quietZone = 4

// drawQR returns the code as an SVG image, with one path for all dark modules. It is black on
// white in every theme, as cameras expect.
func drawQR(code *qr.Code) string {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			wide := 0
			for x+wide < code.Size && code.Black(x+wide, y) {
				wide++
			}
			if wide > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, wide, wide)
				x += wide
			}
		}
	}
	size := code.Size + 2*quietZone
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`, size, size, size, size, path.String())
}
