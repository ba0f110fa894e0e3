package ratelimit

import (
	"net/http"
	"net/netip"
	"strings"
)

// hostBits6 is the length of the network that one customer of a provider has at
// least, so that nobody has 2^64 limits of his own.
const hostBits6 = 64

// among says whether an address lies in one of the networks.
func among(a netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// peer is the address at the other end of the connection; not valid where there is
// none.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// client is the client's address. Each proxy adds, on the right, whom it was asked
// by: so the list is read from there, as far as who says it is trusted. What is left
// of that anybody may have made up.
func client(r *http.Request, proxies []netip.Prefix) netip.Addr {
	at := peer(r)
	if !among(at, proxies) {
		return at
	}
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0 && among(at, proxies); i-- {
		before, err := address(strings.TrimSpace(list[i]))
		if err != nil {
			return at // nobody's word beyond it
		}
		at = before
	}
	return at
}

// address reads an address as proxies write them: some with a port.
func address(text string) (netip.Addr, error) {
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		var with netip.AddrPort
		if with, err = netip.ParseAddrPort(text); err != nil {
			return at, err
		}
		at = with.Addr()
	}
	return at.Unmap().WithZone(""), nil
}

// addressKey names what is counted together: an IPv4 address, or an IPv6 network.
func addressKey(at netip.Addr) string {
	if at.Is6() {
		if network, err := at.Prefix(hostBits6); err == nil {
			return network.String()
		}
	}
	return at.String()
}
