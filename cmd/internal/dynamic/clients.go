package dynamic

import (
	"errors"
	"strings"
)

// Clients say how clients find a proxy.
type Clients struct {
	SOCKS, HTTPProxy string // HOST:PORT or unix:PATH of each protocol, "" for none
}

// Variable is one variable of an environment.
type Variable struct{ Name, Value string }

// direct are the hosts that a client on this machine connects to itself: the proxy leads to no
// loopback address. They are names and addresses without a pattern, which every reading of
// NO_PROXY takes alike.
const direct = "localhost,127.0.0.1,::1"

// errSocket is the error for a proxy on a unix socket, for which variables have no form that
// several clients read.
var errSocket = errors.New("clients find a proxy by a port, not by a unix socket; give it one")

// Variables returns the variables by which programs find the proxy, where noProxy is the
// NO_PROXY that is there already.
//
// curl reads all_proxy, https_proxy and http_proxy, the last one in lower case alone; Go's
// net/http reads HTTPS_PROXY and HTTP_PROXY and no ALL_PROXY; golang.org/x/net/proxy reads
// ALL_PROXY, and goes past a proxy of the scheme http. So ALL_PROXY is SOCKS5's alone, and
// HTTP_PROXY too, since the other protocol carries no plain HTTP. With socks5h the far side
// resolves names in curl; Go's clients leave names to the proxy by either scheme.
func (c Clients) Variables(noProxy string) (vars []Variable, err error) {
	urls, err := c.URLs()
	if err != nil {
		return nil, err
	}
	if c.SOCKS != "" {
		for _, name := range []string{"ALL_PROXY", "HTTP_PROXY", "http_proxy"} {
			vars = append(vars, Variable{name, urls[0]})
		}
	}
	vars = append(vars, Variable{"HTTPS_PROXY", urls[len(urls)-1]})
	if noProxy != "" && !strings.Contains(noProxy, direct) {
		noProxy += "," + direct
	} else if noProxy == "" {
		noProxy = direct
	}
	return append(vars, Variable{"NO_PROXY", noProxy}), nil
}

// URLs returns the proxy's URLs, that of SOCKS5 first.
func (c Clients) URLs() (urls []string, err error) {
	for _, p := range []struct{ scheme, address string }{{"socks5h://", c.SOCKS}, {"http://", c.HTTPProxy}} {
		switch {
		case strings.HasPrefix(p.address, "unix:"):
			return nil, errSocket
		case p.address != "":
			urls = append(urls, p.scheme+p.address)
		}
	}
	if urls == nil {
		return nil, errors.New("the proxy is not open, and its file gives no port")
	}
	return urls, nil
}
